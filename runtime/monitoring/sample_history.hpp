// The samples of every check of the last day, for graphs and for queries about a period.
#pragma once

#include "runtime/monitoring/pool_sample.hpp"

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace greenroom::runtime::monitoring {

/// Means over a period; a metric unknown in the whole period is nothing.
struct history_point {
  double at_s = 0;  ///< End of the period, seconds since the Unix epoch.
  std::array<std::optional<float>, all_metrics.size()> values;

  [[nodiscard]] std::optional<float> of(metric what) const {
    return values[static_cast<std::size_t>(what)];
  }
};

struct metric_summary {
  std::size_t points = 0;  ///< Checks with a known value. 0: the other fields are unset.
  double mean = 0, min = 0, max = 0, last = 0;
};

/// Bounded: the oldest points are dropped. 5,760 points are a day of checks every 15 s, about 800
/// kB.
class sample_history {
public:
  explicit sample_history(std::size_t points_max = 5760) : points_max_{points_max} {}

  void add(const pool_sample& sample);
  /// The points from `from_s` on, oldest first. More than `most` points are averaged in groups of
  /// equal size.
  [[nodiscard]] std::vector<history_point> since(double from_s, std::size_t most) const;
  [[nodiscard]] metric_summary summary(metric what, double from_s) const;

private:
  std::size_t points_max_;
  std::deque<history_point> points_;
};

}  // namespace greenroom::runtime::monitoring
