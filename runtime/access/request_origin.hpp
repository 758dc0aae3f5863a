// Decides whether a request is allowed, from the origin that a browser reports.
#pragma once

#include "protocols/base/authority.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::runtime::access {

/// The relevant fields of a request.
struct request_facts {
  std::optional<std::string_view> host;  ///< The Host field, or the host of an absolute target.
  std::optional<std::string_view> origin;
  std::optional<std::string_view> fetch_site;  ///< Sec-Fetch-Site
  std::optional<std::string_view> content_type;
  bool repeated = false;  ///< One of `origin`, `fetch_site`, `content_type` occurs twice.
  bool changes = false;   ///< The method is not GET, HEAD or OPTIONS.
  bool has_body = false;
};

/// Where the request arrived.
struct door_facts {
  std::string address;     ///< The listen address.
  std::uint16_t port = 0;  ///< 0: not known yet.
  /// Whether an address belongs to this machine. Called only when listening on all addresses.
  std::function<bool(const base::ip_address&)> is_own;
};

enum class entry : std::uint8_t {
  welcome,
  welcome_page,     ///< From a page in `origins`: the reply needs CORS headers.
  bad_host,         ///< The Host field is malformed.
  foreign_host,     ///< A foreign name or address: possibly DNS rebinding.
  repeated_fields,  ///< Origin fields occur more than once.
  foreign_origin,   ///< A page that is neither of this node nor in `origins`.
  foreign_site,     ///< Sec-Fetch-Site names another site.
  body_not_json,    ///< From a page, with a body type that any page may send.
};

/// The hosts and origins of the configuration (`access.hosts`, `access.origins`), parsed once. An
/// entry that cannot be parsed matches nothing.
class request_origin {
public:
  request_origin(const std::vector<std::string>& hosts, const std::vector<std::string>& origins);

  /// Allowed hosts: localhost, loopback addresses, the listen address (any address of this machine
  /// when listening on all), and `hosts`; whole names are compared, ports are not. A request
  /// without a Host (HTTP/1.0) passes this check. A request with Origin or Sec-Fetch-Site comes
  /// from a browser: both must name this node, or the Origin must be in `origins`, and a body must
  /// be JSON.
  [[nodiscard]] entry judge(const request_facts& asked, const door_facts& door) const;

private:
  [[nodiscard]] bool is_ours(const base::authority& host, const door_facts& door) const;

  std::vector<base::authority> hosts_;
  std::vector<base::web_origin> origins_;
};

/// `application/json`, or another type with a JSON suffix (RFC 6839).
[[nodiscard]] bool is_json_type(std::string_view content_type);

}  // namespace greenroom::runtime::access
