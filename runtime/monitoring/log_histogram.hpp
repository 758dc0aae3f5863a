// A histogram of non-negative values in log-linear buckets: bounded memory, and quantiles with a
// bounded error for every input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/base/expected.hpp"

namespace greenroom::runtime::monitoring {

/// Each octave [2^e, 2^(e+1)) has 128 buckets of equal width (the scheme of HdrHistogram). A bucket
/// is 2^e/128 wide and reports its middle, so the error for a value v in [2^-10, 2^30) is at most
/// v/256 (0.39 %). Values below 2^-10 (1 µs with milliseconds as unit) have an absolute error of at
/// most 2^-11; values from 2^30 share one bucket that reports the exact maximum. Minimum, maximum,
/// count and sum are exact. Memory: 512 bytes per octave in use, 20 KB at most.
class log_histogram {
public:
  static constexpr int octave_min = -10;
  static constexpr int octave_max = 30;
  static constexpr std::size_t buckets_per_octave = 128;
  static constexpr double relative_error = 1.0 / 256;
  static constexpr double smallest = 1.0 / 1024;   ///< 2^octave_min
  static constexpr double largest = 1073741824.0;  ///< 2^octave_max

  /// Returns false and counts nothing for a negative or non-finite value.
  bool add(double value, std::uint32_t times = 1);
  void merge(const log_histogram& other);
  void clear();

  std::uint64_t count() const { return count_; }
  double sum() const { return sum_; }
  double min() const { return min_; }  ///< 0 when empty.
  double max() const { return max_; }  ///< 0 when empty.
  std::optional<double> mean() const;

  /// The nearest-rank quantile: the reported value of rank ceil(q·count), at least 1. Nothing when
  /// empty. `q` in [0, 1].
  std::optional<double> quantile(double q) const;

  struct interval {
    double lower = 0;
    double upper = 0;
  };
  /// Exact bounds of the value of rank `rank` (1 is the smallest). `rank` in [1, count()].
  interval bounds_at_rank(std::uint64_t rank) const;

  /// A lower bound of the number of values above `threshold`.
  std::uint64_t certainly_above(double threshold) const;

  /// One line of text for `decode`; contains no tab or newline.
  std::string encode() const;
  static base::expected<log_histogram> decode(std::string_view text);

  bool operator==(const log_histogram& other) const;

private:
  static constexpr std::size_t octaves = static_cast<std::size_t>(octave_max - octave_min);
  static constexpr std::uint8_t absent = 255;
  using block = std::array<std::uint32_t, buckets_per_octave>;

  block& block_of(std::size_t octave);
  const block* find_block(std::size_t octave) const;

  static std::array<std::uint8_t, octaves> no_slots();

  std::array<std::uint8_t, octaves> slot_ = no_slots();
  std::vector<block> blocks_;
  std::uint64_t below_ = 0;
  std::uint64_t above_ = 0;
  std::uint64_t count_ = 0;
  double sum_ = 0;
  double min_ = 0;
  double max_ = 0;
};

}  // namespace greenroom::runtime::monitoring
