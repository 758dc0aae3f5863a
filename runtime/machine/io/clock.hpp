// The clock for code outside of actors. Tests substitute their own clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace greenroom::machine {

/// The time base of every deadline.
[[nodiscard]] inline std::int64_t steady_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class clock {
public:
  virtual ~clock() = default;
  /// Steady, in nanoseconds.
  [[nodiscard]] virtual std::int64_t now_ns() const { return steady_now_ns(); }
  /// Wall clock, milliseconds since the Unix epoch.
  [[nodiscard]] virtual std::int64_t unix_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace greenroom::machine
