// The two pools.
#pragma once

#include <cstdint>
#include <string_view>

namespace greenroom::base {

/// The numbers are in journals and in idempotency records: never change them.
enum class pool_kind : std::uint8_t {
  intelligent = 0,  ///< Workers are warmed and cooled.
  baseline = 1,     ///< Workers are always warm.
};

[[nodiscard]] constexpr std::string_view to_string(pool_kind value) {
  return value == pool_kind::baseline ? "baseline" : "intelligent";
}

}  // namespace greenroom::base
