// Numbers as text.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace greenroom::base {

/// The number that the whole text is; nothing for any other text and for a number out of range. No
/// blanks, no plus sign; `inf` and `nan` are numbers where T is a floating-point type.
template <std::integral T>
[[nodiscard]] std::optional<T> parse_number(std::string_view text, int radix = 10) {
  T value{};
  const auto* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value, radix);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

template <std::floating_point T>
[[nodiscard]] std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

/// The same without `inf` and `nan`.
[[nodiscard]] inline std::optional<double> parse_finite(std::string_view text) {
  const auto value = parse_number<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

/// The shortest text that reads back to the same double; `inf` and `nan` are written so.
[[nodiscard]] inline std::string exact_text(double value) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace greenroom::base
