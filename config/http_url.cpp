#include "config/http_url.hpp"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace greenroom::config {

bool is_http_url(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    const auto rest = text.substr(scheme.size());
    if (rest.empty() || rest.front() == '/' || rest.front() == ':'
        || text.find_first_of(" \t\r\n") != std::string_view::npos) {
      return false;
    }
    auto authority = rest.substr(0, rest.find_first_of("/?#"));
    // A user and a password may come first.
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
      authority.remove_prefix(at + 1);
    }
    const auto colon = authority.rfind(':');
    if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos) {
      return true;
    }
    std::uint16_t port = 0;
    const auto digits = authority.substr(colon + 1);
    const auto* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, port);
    return error == std::errc{} && stop == end && port > 0;
  }
  return false;
}

}  // namespace greenroom::config
