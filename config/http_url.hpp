// Can this be the URL of an HTTP server?
#pragma once

#include <string_view>

namespace greenroom::config {

/// http[s]://[USER[:PASSWORD]@]HOST[:PORT][/…]: a host and, where there is one, a port that can be.
[[nodiscard]] bool is_http_url(std::string_view text);

}  // namespace greenroom::config
