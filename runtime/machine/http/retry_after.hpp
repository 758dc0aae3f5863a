// How long a server asks a client to wait.
#pragma once

#include "protocols/base/expected.hpp"

#include <cstdint>
#include <string_view>

namespace greenroom::machine {

/// Digits, optionally with a fraction, times `unit_ms`.
[[nodiscard]] base::expected<std::int64_t> parse_wait_ms(std::string_view field, double unit_ms);

/// The wait of a `Retry-After` field, in milliseconds (RFC 9110, section 10.2.3): seconds, whole
/// or, as some servers send, with a fraction; or a date in one of HTTP's three forms. A date is
/// relative to the answer's own `date` if that is valid, so that a wrong server clock does no harm,
/// else to `now_unix_s`. 0: no wait, or an invalid field.
[[nodiscard]] std::int64_t retry_after_ms(std::string_view field, std::string_view date,
                                          std::int64_t now_unix_s);

}  // namespace greenroom::machine
