// The host and port of a Host field or an origin.
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/base/ip_address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::base {

/// `same_host` compares two authorities independent of their spelling.
struct authority {
  std::string name;  ///< Lower case, without a final dot; empty when `address` is set.
  std::optional<ip_address> address;
  std::optional<std::uint16_t> port;

  [[nodiscard]] bool same_host(const authority& other) const {
    return address == other.address && name == other.name;
  }
};

/// `HOST[:PORT]` (RFC 3986, section 3.2, without user names): a name of letters, digits, `-`, `_`
/// and dots, an IPv4 address or an IPv6 address in brackets. A problem for other text.
[[nodiscard]] expected<authority> parse_authority(std::string_view text);

/// A page's origin (RFC 6454): `SCHEME://HOST[:PORT]`.
struct web_origin {
  std::string scheme;  ///< In lower case.
  authority where;

  /// The default port of the scheme if none is given; 0 where that is unknown.
  [[nodiscard]] std::uint16_t port() const;
  friend bool operator==(const web_origin& a, const web_origin& b) {
    return a.scheme == b.scheme && a.where.same_host(b.where) && a.port() == b.port();
  }
};
/// A problem for `null`, which is sent for pages without an origin.
[[nodiscard]] expected<web_origin> parse_origin(std::string_view text);

}  // namespace greenroom::base
