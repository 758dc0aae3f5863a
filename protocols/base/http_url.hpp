// Can this be the URL of an HTTP server?
#pragma once

#include "protocols/base/expected.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::base {

/// The parts of http[s]://HOST[:PORT][/BASE][?QUERY].
struct http_url {
  bool secure = false;     ///< https
  std::string host;        ///< Without the brackets of an IPv6 address.
  std::uint16_t port = 0;  ///< 80 or 443 unless the URL says otherwise.
  std::string authority;   ///< For the Host header.
  std::string base;        ///< The path as it is written; may be empty.
  std::string query;       ///< Without the `?`.
};

/// The problem's text says what keeps the URL from being that of a server: other schemes, users and
/// passwords, fragments, white space, hosts that cannot be and ports outside 1 to 65535.
[[nodiscard]] expected<http_url> parse_http_url(std::string_view text);
[[nodiscard]] bool is_http_url(std::string_view text);

/// A path as a server is asked for it: begins with a slash, has no white space and no fragment.
[[nodiscard]] expected<void> check_url_path(std::string_view text);

/// `base` of a URL and the path below it, with exactly one slash between them. A path of "/" adds
/// nothing to a base that is not empty: the URL names the place itself.
[[nodiscard]] std::string joined_path(std::string_view base, std::string_view path);

/// The port that the node picks for each instance of a worker is written so in the configuration.
inline constexpr std::string_view port_mark = "${PORT}";

/// `text` with `port` in the place of each `${PORT}`.
[[nodiscard]] std::string with_port(std::string_view text, std::uint16_t port);

}  // namespace greenroom::base
