// Rules that move the warm threshold and the number of slots in use.
#pragma once

#include <cstddef>

namespace greenroom::runtime {

/// Memory pressure above 0.8 raises the threshold by 0.02 and gives up one slot; a warm hit rate
/// below 0.6 lowers the threshold by 0.02 and takes one slot back (never above the configured
/// maximum). To avoid oscillation, a condition must hold for a dwell before anything moves, nothing
/// moves between the two thresholds, and every change of direction doubles the dwell, up to 64
/// times; a day without changes halves the dwell.
class warm_adaptation {
public:
  static constexpr double threshold_min = 0.2;
  static constexpr double threshold_max = 0.6;
  static constexpr double step = 0.02;
  static constexpr double pressure_high = 0.8;
  static constexpr double hit_rate_low = 0.6;
  static constexpr double dwell_s = 60;
  static constexpr double dwell_longest_s = 64 * dwell_s;

  void configure(double threshold, std::size_t slots_max, bool adaptive);
  /// `hit_rate` below 0: no requests. Memory pressure is the share of the budget in use. Returns
  /// whether the threshold or the slots changed.
  bool observe(double memory_pressure, double hit_rate, double now_s);

  double threshold() const { return threshold_; }
  std::size_t slots() const { return slots_max_ > given_up_ ? slots_max_ - given_up_ : 1; }

  struct memory {
    double threshold = 0.3;
    std::size_t given_up = 0;
  };
  memory remembered() const { return {threshold_, given_up_}; }
  void remember(const memory& kept);

private:
  enum class direction : int { down = -1, still = 0, up = 1 };

  double threshold_ = 0.3;
  double configured_ = -1;
  std::size_t slots_max_ = 17;
  std::size_t given_up_ = 0;
  bool adaptive_ = true;
  direction wanted_ = direction::still;
  direction last_ = direction::still;
  double wanted_since_s_ = 0;
  double moved_s_ = 0;
  double dwell_ = dwell_s;
};

}  // namespace greenroom::runtime
