// Whether a request may come in, by what a browser says of where it comes from.
#pragma once

#include "runtime/access/authority.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::runtime::access {

/// What a request says of itself.
struct request_facts {
  std::optional<std::string_view> host;  ///< The Host field, or the host of an absolute target.
  std::optional<std::string_view> origin;
  std::optional<std::string_view> fetch_site;  ///< Sec-Fetch-Site
  std::optional<std::string_view> content_type;
  bool repeated = false;  ///< One of the last three is there more than once.
  bool changes = false;   ///< Its method may change something: not GET, HEAD or OPTIONS.
  bool has_body = false;
};

/// Where it arrived.
struct door_facts {
  std::string address;     ///< That is listened on.
  std::uint16_t port = 0;  ///< 0: not known yet.
  /// Whether an address is one of this machine's. Asked only when all of them are listened on.
  std::function<bool(const base::ip_address&)> is_own;
};

enum class entry : std::uint8_t {
  welcome,
  welcome_page,     ///< From a page of `origins`: its browser has to be told that it may read.
  bad_host,         ///< The Host field is none.
  foreign_host,     ///< A name or address that is not ours: perhaps DNS rebinding.
  repeated_fields,  ///< It says twice where it comes from.
  foreign_origin,   ///< A page that is neither ours nor one of `origins`.
  foreign_site,     ///< A page of another site, which did not say which.
  body_not_json,    ///< From a page, with a body of a type that any page may send.
};

/// The names and origins that an operator has written down (`access.hosts`, `access.origins`), read
/// once. What cannot be read matches nothing.
class request_origin {
public:
  request_origin(const std::vector<std::string>& hosts, const std::vector<std::string>& origins);

  /// A host is ours when it is localhost, a loopback address, the address listened on (an address
  /// of this machine, where all are) or in `hosts`; whole names count, and ports do not. Without a
  /// Host (HTTP/1.0) there is nothing to compare. Whoever sends an Origin or a Sec-Fetch-Site is a
  /// browser: then both must be ours, or the Origin in `origins`, and a body must be JSON.
  [[nodiscard]] entry judge(const request_facts& asked, const door_facts& door) const;

private:
  [[nodiscard]] bool is_ours(const authority& host, const door_facts& door) const;

  std::vector<authority> hosts_;
  std::vector<web_origin> origins_;
};

/// `application/json`, or another type whose suffix says that it is JSON (RFC 6839).
[[nodiscard]] bool is_json_type(std::string_view content_type);

}  // namespace greenroom::runtime::access
