#include "runtime/machine/http/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <optional>
#include <string>

namespace greenroom::machine {

namespace {

/// Parses an HTTP date in any of the three forms (RFC 9110, 5.6.7) to Unix seconds.
std::optional<std::int64_t> unix_s_of(std::string_view text) {
  const std::string whole{text};
  for (const auto* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm parts{};
    const auto* const end = ::strptime(whole.c_str(), form, &parts);
    if (end != nullptr && *end == '\0') return ::timegm(&parts);
  }
  return std::nullopt;
}

base::problem no_wait() { return {"wait", "is no number of seconds or milliseconds"}; }

}  // namespace

base::expected<std::int64_t> parse_wait_ms(std::string_view field, double unit_ms) {
  constexpr double most_ms = 1e12;  // Longer waits are clamped.
  if (field.empty() || field.front() < '0' || field.front() > '9'
      || field.find_first_not_of("0123456789.") != std::string_view::npos)
    return no_wait();
  double value = 0;
  const auto read = std::from_chars(field.data(), field.data() + field.size(), value);
  if (read.ec == std::errc::result_out_of_range) return static_cast<std::int64_t>(most_ms);
  if (read.ec != std::errc{} || read.ptr != field.data() + field.size()) return no_wait();
  return static_cast<std::int64_t>(std::ceil(std::min(value * unit_ms, most_ms)));
}

std::int64_t retry_after_ms(std::string_view field, std::string_view date,
                            std::int64_t now_unix_s) {
  constexpr std::int64_t most_s = 1'000'000'000;
  if (const auto wait_ms = parse_wait_ms(field, 1000)) return *wait_ms;
  const auto then = unix_s_of(field);
  if (!then) return 0;
  const auto seconds = *then - unix_s_of(date).value_or(now_unix_s);
  return std::clamp<std::int64_t>(seconds, 0, most_s) * 1000;
}

}  // namespace greenroom::machine
