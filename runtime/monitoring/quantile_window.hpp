// Quantiles, mean and count of what happened within the last so many seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/monitoring/log_histogram.hpp"

namespace greenroom::runtime::monitoring {

/// What a window says of itself. Quantiles are nothing when it is empty.
struct quantile_summary {
  std::uint64_t count = 0;
  std::optional<double> mean;  ///< Exact.
  std::optional<double> p50;
  std::optional<double> p95;
  std::optional<double> p99;
  std::optional<double> max;  ///< Exact.
};

/// A ring of `slices` histograms, each `span_s / slices` seconds of the epoch wide. A question at
/// `now_s` is answered from the slice that holds `now_s` and the `slices - 1` before it: from all
/// that is younger than span·(slices-1)/slices and from nothing older than `span_s`. Of those
/// values, quantile(q) reports the one of rank ceil(q·n) with a relative error of at most
/// `log_histogram::relative_error` (1/256); count, mean and maximum are exact.
/// A clock that steps back adds to the newest slice: nothing is lost and nothing is reopened.
class quantile_window {
public:
  /// `span_s` > 0, `slices` >= 1.
  explicit quantile_window(double span_s = 60, std::size_t slices = 6);

  /// Returns false, and counts nothing, for a value that is negative or not finite.
  bool add(double value, double now_s, std::uint32_t times = 1);

  quantile_summary summary(double now_s) const;
  /// Everything in the window, as one histogram.
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
