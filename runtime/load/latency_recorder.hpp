// Records latencies in little memory, with three exact digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace greenroom::runtime::load {

/// A log-linear histogram of nanoseconds (`base::log_linear`): values below 1024 have one bucket
/// each; above, every octave [2^e, 2^(e+1)) has 512 buckets of equal width. A value v is reported
/// as the middle of its bucket, with an error of at most half a width: v/1024, or 0.098 %. Count,
/// sum, minimum and maximum are exact, and quantiles stay within [minimum, maximum]. Memory: 4 KB
/// per octave up to the largest value, 225 KB at most. Values up to 2^63 − 1 ns.
class latency_recorder {
public:
  static constexpr double relative_error = 1.0 / 1024;

  /// Negative values count as 0.
  void add(std::int64_t nanoseconds, std::uint64_t times = 1);
  void merge(const latency_recorder& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::int64_t min() const { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::int64_t max() const { return max_; }
  [[nodiscard]] double mean() const;  ///< 0 when empty.

  /// Nearest rank: the value of rank ceil(q · count), at least 1. 0 when empty. `q` in [0, 1].
  [[nodiscard]] std::int64_t quantile(double q) const;

private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace greenroom::runtime::load
