// What a node measured at each check of the last day, for graphs and for questions about a period.
#pragma once

#include "runtime/monitoring/pool_sample.hpp"

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace greenroom::runtime::monitoring {

/// Means over a stretch of time; what was not known in it is nothing.
struct history_point {
  double at_s = 0;  ///< Its end, seconds since the Unix epoch.
  std::array<std::optional<float>, all_metrics.size()> values;

  [[nodiscard]] std::optional<float> of(metric what) const {
    return values[static_cast<std::size_t>(what)];
  }
};

struct metric_summary {
  std::size_t points = 0;  ///< At how many checks it was known. 0: the rest says nothing.
  double mean = 0, min = 0, max = 0, last = 0;
};

/// Bounded: the oldest points go. 5,760 points are a day of checks every 15 s, about 800 kB.
class sample_history {
public:
  explicit sample_history(std::size_t points_max = 5760) : points_max_{points_max} {}

  void add(const pool_sample& sample);
  /// The points from `from_s` on, the oldest first. More than `most` are averaged in groups of
  /// equal size.
  [[nodiscard]] std::vector<history_point> since(double from_s, std::size_t most) const;
  [[nodiscard]] metric_summary summary(metric what, double from_s) const;

private:
  std::size_t points_max_;
  std::deque<history_point> points_;
};

}  // namespace greenroom::runtime::monitoring
