// Finds the price of being warm from the memory that each price would have used.
#pragma once

#include <array>
#include <cstddef>

namespace greenroom::runtime {

/// Keeps the mean share of always-warm memory near a target through one price for all specialists.
/// The controller remembers, over about two days, how much memory every price would have used, and
/// takes the price that would have met the target. There is no feedback loop that could oscillate
/// or wind up, and memory may vary over the day. A ratio of used to expected memory corrects for
/// what the record does not contain (loads, minimum residency).
class price_controller {
public:
  /// Prices are visits per second of a specialist with average load time and memory.
  static constexpr double price_min = 1e-8;
  static constexpr double price_max = 10.0;
  static constexpr std::size_t steps = 96;

  /// An idle specialist with this memory had this value for `lasted_s`.
  void idle(double value, double memory_mb, double lasted_s);
  /// The share of always-warm memory in use, and the share of busy specialists, which has no price.
  void observe(double share, double busy_share, double memory_total_mb, double now_s);
  double price(double target) const;
  /// Mean share in use, over about two days.
  double mean_share() const;

  struct memory {
    std::array<double, steps> spent{};  ///< Megabyte-seconds by value.
    double share_s = 0;                 ///< Integral of the share in use.
    double busy_s = 0;                  ///< Integral of the share in use by busy specialists.
    double observed_s = 0;
    double total_mb = 0;
  };
  const memory& remembered() const { return m_; }
  void remember(const memory& kept);

private:
  memory m_;
  double last_s_ = -1;
};

}  // namespace greenroom::runtime
