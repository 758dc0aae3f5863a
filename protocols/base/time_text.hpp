// Times as text.
#pragma once

#include <cstdint>
#include <string>

namespace greenroom::base {

/// RFC 3339 in UTC with milliseconds: "2026-11-21T03:10:05.123Z". Years from 0 to 9999.
[[nodiscard]] std::string rfc3339(std::int64_t unix_ms);

/// The same of seconds since the epoch, rounded to milliseconds.
[[nodiscard]] std::string rfc3339_of_seconds(double unix_s);

}  // namespace greenroom::base
