// A lock-free histogram of durations: many threads add, any thread reads.
#pragma once

#include "protocols/base/log_linear.hpp"
#include "runtime/machine/metrics/striped.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace greenroom::machine {

/// Log-linear buckets (as in HdrHistogram): 128 for each power of two, the scheme of
/// runtime/monitoring/log_histogram.hpp. A quantile is the middle of a bucket, so it is wrong by at
/// most 1/256 = 0.39 %. Durations in nanoseconds, clamped to about 73 minutes. 37 KB, of which a
/// pool touches only the cache lines of its durations.
class latency_histogram {
public:
  using scheme = base::log_linear<7>;
  static constexpr std::size_t steps = scheme::steps;
  static constexpr std::size_t powers = 36;
  static constexpr std::size_t buckets = powers * steps;
  using snapshot = std::array<std::uint64_t, buckets>;

  /// `alone`: no other thread adds to this histogram.
  void add(std::int64_t duration_ns, bool alone = false) {
    const auto value = static_cast<std::uint64_t>(duration_ns < 0 ? 0 : duration_ns);
    count(counts_[index_of(value)], 1, alone);
    count(sum_, value, alone);
  }

  void add_to(snapshot& sums) const {
    for (std::size_t i = 0; i < buckets; ++i) sums[i] += counts_[i].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t sum_ns() const { return sum_.load(std::memory_order_relaxed); }

  /// Returns the middle of the bucket with the value of rank `share` × count; 0 without values.
  [[nodiscard]] static double quantile_ns(const snapshot& counts, double share) {
    std::uint64_t total = 0;
    for (const auto count : counts) total += count;
    if (total == 0) return 0;
    auto rank = static_cast<std::uint64_t>(share * static_cast<double>(total));
    if (rank >= total) rank = total - 1;
    for (std::size_t i = 0; i < buckets; ++i) {
      if (rank < counts[i]) return middle_of(i);
      rank -= counts[i];
    }
    return middle_of(buckets - 1);
  }

  [[nodiscard]] static double middle_of(std::size_t index) {
    return (static_cast<double>(edge_of(index)) + static_cast<double>(edge_of(index + 1))) / 2;
  }

  /// The smallest value in bucket `index`.
  [[nodiscard]] static std::uint64_t edge_of(std::size_t index) { return scheme::edge_of(index); }
  [[nodiscard]] static std::size_t index_of(std::uint64_t value) {
    return std::min(scheme::index_of(value), buckets - 1);
  }

private:
  std::array<counter, buckets> counts_{};
  counter sum_{0};
};

}  // namespace greenroom::machine
