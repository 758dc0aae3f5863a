// The effect of running a task twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace greenroom::base {

/// Decides on retries and on shadow copies. The numbers are in journals: never change them.
enum class side_effects : std::uint8_t {
  none,
  idempotent,
  unsafe,  ///< Never copied, and never run twice.
  /// In configurations only, like a missing key: for MCP workers the called tool's annotations
  /// decide, otherwise idempotent.
  by_protocol,
};

[[nodiscard]] constexpr std::string_view to_string(side_effects value) {
  constexpr std::array<std::string_view, 4> names{"none", "idempotent", "unsafe", "by_protocol"};
  const auto at = static_cast<std::size_t>(value);
  return at < names.size() ? names[at] : std::string_view{};
}

}  // namespace greenroom::base
