// Durations and sizes as they are written.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::base {

/// Ten years: a longer duration is a typing error, and a shorter one cannot overflow.
constexpr std::chrono::milliseconds longest_duration = std::chrono::hours{10 * 366 * 24};

/// Parses a duration: `250ms`, `30s`, `5m`, `24h`, `1h30m`, or `0`. Returns nothing for any other
/// text and for durations above `longest_duration`.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// For a text that `parse_duration` refused: true if it is a duration that is too long.
[[nodiscard]] bool is_too_long(std::string_view text);
/// Returns the shortest text that `parse_duration` converts to the same duration.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

/// Seconds of a model: as `parse_duration` takes them, and also in days, with fractions in every
/// part (`1d0.5h`), of any length, or as a number alone.
[[nodiscard]] std::optional<double> parse_seconds(std::string_view text);

/// A size in bytes: `512`, `64KiB`, `16MiB`, `1GiB`, or with `kB`, `MB`, `GB` in powers of ten.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace greenroom::base
