// Parses and checks URLs of HTTP servers.
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
  std::string base;        ///< The path as written; may be empty.
  std::string query;       ///< Without the `?`.
};

/// Parses a URL. The problem's text says why it is not a server's URL: other schemes, users and
/// passwords, fragments, white space, invalid hosts and ports outside 1 to 65535.
[[nodiscard]] expected<http_url> parse_http_url(std::string_view text);
[[nodiscard]] bool is_http_url(std::string_view text);

/// Checks a request path: it begins with a slash, without white space or fragment.
[[nodiscard]] expected<void> check_url_path(std::string_view text);

/// Joins a URL's `base` and a path with exactly one slash. A path of "/" adds nothing to a
/// non-empty base.
[[nodiscard]] std::string joined_path(std::string_view base, std::string_view path);

/// The placeholder for the port that the node picks for each instance of a worker.
inline constexpr std::string_view port_mark = "${PORT}";

/// Returns `text` with `port` in place of each `${PORT}`.
[[nodiscard]] std::string with_port(std::string_view text, std::uint16_t port);

}  // namespace greenroom::base
