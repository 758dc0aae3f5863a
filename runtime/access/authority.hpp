// Who is meant by a Host field or an origin: a name or an address, and perhaps a port.
#pragma once

#include "protocols/base/ip_address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::runtime::access {

/// Two of them are of the same host when `same_host` says so, however they were written.
struct authority {
  std::string name;  ///< In lower case, without a dot at its end; empty when `address` is set.
  std::optional<base::ip_address> address;
  std::optional<std::uint16_t> port;

  [[nodiscard]] bool same_host(const authority& other) const {
    return address == other.address && name == other.name;
  }
};

/// `HOST[:PORT]` (RFC 3986, section 3.2, without user names): a name of letters, digits, `-`, `_`
/// and dots, an IPv4 address or an IPv6 address in brackets.
[[nodiscard]] std::optional<authority> parse_authority(std::string_view text);

/// A page's origin (RFC 6454): `SCHEME://HOST[:PORT]`.
struct web_origin {
  std::string scheme;  ///< In lower case.
  authority where;

  /// That of its scheme when none is written; 0 where that is not known.
  [[nodiscard]] std::uint16_t port() const;
  friend bool operator==(const web_origin& a, const web_origin& b) {
    return a.scheme == b.scheme && a.where.same_host(b.where) && a.port() == b.port();
  }
};
/// Nothing for `null`, which is what pages without an origin of their own say.
[[nodiscard]] std::optional<web_origin> parse_origin(std::string_view text);

}  // namespace greenroom::runtime::access
