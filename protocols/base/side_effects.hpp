// What running a task twice would do to the world.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace greenroom::base {

/// Decides on retries and on copies (shadow traffic). The numbers are in journals: never change
/// them.
enum class side_effects : std::uint8_t {
  none,
  idempotent,
  unsafe,  ///< Never copied, and never run twice.
  /// In configurations only, as if the key were left out: what the annotations of the called tool
  /// say where the worker speaks MCP, else idempotent.
  by_protocol,
};

[[nodiscard]] constexpr std::string_view to_string(side_effects value) {
  constexpr std::array<std::string_view, 4> names{"none", "idempotent", "unsafe", "by_protocol"};
  const auto at = static_cast<std::size_t>(value);
  return at < names.size() ? names[at] : std::string_view{};
}

}  // namespace greenroom::base
