// A worker's state machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace greenroom::base {

/// cold → warming → warm ⇄ busy → cooling → cold; failed is cold after failed starts. Where only
/// the slot matters (departments, policies), a busy worker counts as warm.
enum class worker_state : std::uint8_t { cold, warming, warm, busy, cooling, failed };

[[nodiscard]] constexpr std::string_view to_string(worker_state value) {
  constexpr std::array<std::string_view, 6> names{"cold", "warming", "warm",
                                                  "busy", "cooling", "failed"};
  return names[static_cast<std::size_t>(value)];
}

/// The worker takes tasks: warm or busy.
[[nodiscard]] constexpr bool is_up(worker_state value) {
  return value == worker_state::warm || value == worker_state::busy;
}

}  // namespace greenroom::base
