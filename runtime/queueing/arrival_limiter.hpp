// Which arrivals of one specialist are reported one by one.
#pragma once

#include <algorithm>
#include <cstdint>

namespace greenroom::runtime {

/// Admits about twenty arrivals a second, and some at once after a pause; the rest is only counted.
/// A specialist that is called so often is warm whatever is predicted, and a prediction for each of
/// the arrivals would take processor time from the tasks. A specialist with thousands of arrivals a
/// second gets about one report a second.
class arrival_limiter {
public:
  static constexpr std::uint32_t at_once_max = 16;
  static constexpr std::int64_t period_ns = 50'000'000;
  /// After so many unreported arrivals in a row the long period applies.
  static constexpr std::uint32_t unreported_max = 100;
  static constexpr std::int64_t long_period_ns = 1'000'000'000;

  /// True when the arrival is to be reported by itself. @pre `now_ns` is a steady time.
  [[nodiscard]] bool admit(std::int64_t now_ns) {
    const auto every_ns = unreported_ < unreported_max ? period_ns : long_period_ns;
    const auto earned = (now_ns - since_ns_) / every_ns;
    if (earned > 0) {
      credit_ = static_cast<std::uint32_t>(std::min<std::int64_t>(credit_ + earned, at_once_max));
      since_ns_ = now_ns;
    }
    if (credit_ == 0) {
      ++unreported_;
      return false;
    }
    --credit_;
    unreported_ = 0;
    return true;
  }

private:
  std::uint32_t credit_ = 0;      // Arrivals that may be reported now.
  std::uint32_t unreported_ = 0;  // Since the last reported arrival.
  std::int64_t since_ns_ = 0;     // When credit was added last.
};

}  // namespace greenroom::runtime
