// The delay before a retry.
#pragma once

#include <chrono>
#include <cstddef>

namespace greenroom::runtime {

/// Exponential backoff with proportional jitter.
struct backoff {
  std::chrono::nanoseconds base{std::chrono::milliseconds{100}};
  std::chrono::nanoseconds max{std::chrono::seconds{5}};
  double jitter = 0.2;  ///< Share of the delay, 0 to 1: the delay varies by ± this share.

  /// The delay after failure number `failures` (from 1): base, 2 base, 4 base … at most `max`.
  /// `chance` in [0, 1) selects the jitter.
  [[nodiscard]] std::chrono::nanoseconds delay(std::size_t failures, double chance) const;
};

}  // namespace greenroom::runtime
