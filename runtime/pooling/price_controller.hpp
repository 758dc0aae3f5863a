// The price of being warm, found from what each price would have cost.
#pragma once

#include <array>
#include <cstddef>

namespace greenroom::runtime {

/// Keeps the mean share of always-warm near a target by one price that every specialist is held
/// against. It remembers, over about two days, how much memory would have been spent at every
/// price, and takes the one that would have met the target: no feedback loop that could swing or
/// wind up, and memory breathes with the hours, which is where the gain is. What the count cannot
/// see (loads, minimum residency) is corrected by the ratio of what was really spent.
class price_controller {
public:
  /// Prices are visits per second of a specialist with average load time and memory.
  static constexpr double price_min = 1e-8;
  static constexpr double price_max = 10.0;
  static constexpr std::size_t steps = 96;

  /// An idle specialist of this memory was worth so much for a while.
  void idle(double value, double memory_mb, double lasted_s);
  /// The share of always-warm in use, and the share in use by busy ones, which has no price.
  void observe(double share, double busy_share, double memory_total_mb, double now_s);
  double price(double target) const;
  /// Mean share really in use, over about two days.
  double mean_share() const;

  struct memory {
    std::array<double, steps> spent{};  ///< Megabyte-seconds by value.
    double share_s = 0;                 ///< Integral of the share really in use, and …
    double busy_s = 0;                  ///< … in use by busy ones.
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
