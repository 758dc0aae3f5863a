// A task's urgency, and a specialist's weight.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace greenroom::base {

/// The numbers are in journals: never change them.
enum class priority : std::uint8_t { low = 0, normal = 1, high = 2 };
constexpr std::size_t priority_count = 3;

/// The names in HTTP and on the command line.
[[nodiscard]] constexpr std::string_view to_string(priority value) {
  constexpr std::array<std::string_view, priority_count> names{"low", "normal", "high"};
  const auto at = static_cast<std::size_t>(value);
  return at < names.size() ? names[at] : std::string_view{};
}

}  // namespace greenroom::base
