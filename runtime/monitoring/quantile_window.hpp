// Quantiles, mean and count over a sliding time window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/monitoring/log_histogram.hpp"

namespace greenroom::runtime::monitoring {

/// Summary of a window. Quantiles are nothing when it is empty.
struct quantile_summary {
  std::uint64_t count = 0;
  std::optional<double> mean;  ///< Exact.
  std::optional<double> p50;
  std::optional<double> p95;
  std::optional<double> p99;
  std::optional<double> max;  ///< Exact.
};

/// A ring of `slices` histograms, each `span_s / slices` seconds of the epoch wide. A query at
/// `now_s` uses the slice that contains `now_s` and the `slices - 1` before it: all values younger
/// than span·(slices-1)/slices and none older than `span_s`. A quantile q is the value of rank
/// ceil(q·n) with a relative error of at most `log_histogram::relative_error` (1/256); count, mean
/// and maximum are exact. When the clock steps back, values go to the newest slice: none is lost,
/// and no slice is reopened.
class quantile_window {
public:
  /// `span_s` > 0, `slices` >= 1.
  explicit quantile_window(double span_s = 60, std::size_t slices = 6);

  /// Returns false and counts nothing for a negative or non-finite value.
  bool add(double value, double now_s, std::uint32_t times = 1);

  quantile_summary summary(double now_s) const;
  /// All values of the window as one histogram.
  log_histogram merged(double now_s) const;

  double span_s() const { return span_s_; }

private:
  struct slice {
    std::int64_t number = -1;
    log_histogram values;
  };
  std::int64_t number_of(double now_s) const;
  bool live(const slice& each, std::int64_t newest) const;

  double span_s_;
  std::vector<slice> ring_;
  std::int64_t newest_ = -1;
};

}  // namespace greenroom::runtime::monitoring
