// The share of one kind among the events of a sliding time window: errors among task ends, cold
// starts among arrivals, hits among predictions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace greenroom::runtime::monitoring {

/// Counts in a ring of `slices` slices like `quantile_window`; exact over the slices. When the
/// clock steps back, events go to the newest slice.
class rate_window {
public:
  /// `span_s` > 0, `slices` >= 1.
  explicit rate_window(double span_s = 60, std::size_t slices = 6);

  void add(bool counted, double now_s) { add(counted ? 1 : 0, 1, now_s); }
  /// `counted` <= `total`.
  void add(std::uint64_t counted, std::uint64_t total, double now_s);

  struct tally {
    std::uint64_t counted = 0;
    std::uint64_t total = 0;
    /// Nothing without events: no traffic is not a rate of 0.
    std::optional<double> rate() const;
  };
  tally at(double now_s) const;
  std::optional<double> rate(double now_s) const { return at(now_s).rate(); }

  double span_s() const { return span_s_; }

private:
  struct slice {
    std::int64_t number = -1;
    tally events;
  };
  std::int64_t number_of(double now_s) const;

  double span_s_;
  std::vector<slice> ring_;
  std::int64_t newest_ = -1;
};

}  // namespace greenroom::runtime::monitoring
