// From the gauges of a pool to what it was like lately.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "runtime/monitoring/pool_sample.hpp"
#include "runtime/monitoring/quantile_window.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What pools are measured from.
struct sampler_parts {
  const node_clock& clock;
  const catalog_store& catalogs;
  const pool_records& pools;
  const routing_table& routes;
  const ends_feed& ends;
};

/// A pool's memory in MB: now, and with every specialist warm.
struct pool_memory {
  double used_mb = 0, always_mb = 0;
};

/// Keeps one reading of a pool's counters for each call and describes the time since the oldest one
/// within the window. Quantiles come from a `quantile_window` and are wrong by at most 1/256;
/// counts and means are exact. One owner.
class pool_sampler {
public:
  pool_sampler(const sampler_parts& where, protocols::pool_kind pool, double window_s)
      : parts_{where}, pool_{pool}, window_s_{window_s}, times_{window_s, slices} {
    forget();
  }

  /// Shadow copies count: in the shadow phase they are all that the intelligent pool does.
  [[nodiscard]] runtime::monitoring::pool_sample take(double now_s);
  /// What was before does not count any more.
  void forget();

private:
  struct reading {
    double at_s = 0;
    std::array<std::uint64_t, machine::task_outcome_count> ends{};
    std::uint64_t refused = 0, shed = 0, warm_hits = 0, cold_starts = 0, prewarms = 0,
                  prewarm_hits = 0;
    std::uint64_t sum_ns = 0, times = 0;
    double used_mb_s = 0, always_mb_s = 0;
  };
  static constexpr std::size_t slices = 12;
  void add_times(double now_s);
  reading read_counters(double now_s);
  void count_specialists(runtime::monitoring::pool_sample& result) const;
  /// Adds the memory over the time since the last sample.
  void add_memory(const pool_memory& memory, reading& now);
  static void set_rates(const reading& before, const reading& now,
                        runtime::monitoring::pool_sample& result);
  void set_times(const reading& before, const reading& now,
                 runtime::monitoring::pool_sample& result);

  sampler_parts parts_;
  protocols::pool_kind pool_;
  double window_s_;
  std::deque<reading> readings_;
  runtime::monitoring::quantile_window times_;
  machine::latency_histogram::snapshot times_before_{};
  std::uint64_t times_count_ = 0;
  double used_mb_s_ = 0, always_mb_s_ = 0, last_s_ = 0;
};

/// Measured in either pool; a specialist that was never measured counts as configured. Callables
/// cost nothing.
[[nodiscard]] pool_memory memory_of(const sampler_parts& where, protocols::pool_kind pool);

/// Measured memory of the intelligent pool's workers over that of the baseline's own, of those
/// specialists whose workers were asked in both pools: an idle worker has not loaded what it needs.
/// A few megabytes more for each are no growth. Nothing when no specialist can be compared.
[[nodiscard]] std::optional<double> worker_memory_ratio(const sampler_parts& where);

/// The memory of all specialists if every one was warm, in bytes: as measured in the baseline pool,
/// else in the intelligent pool; a specialist that never ran counts as the mean of the others. 0
/// before the first measurement. The baseline pool comes first, because a pool whose workers grow
/// would raise its own standard.
[[nodiscard]] double always_warm_bytes(const sampler_parts& where);

/// Adds what callers of both pools got. `of` is by pool_kind.
[[nodiscard]] runtime::monitoring::pool_sample served_sample(
    const sampler_parts& where, const std::array<runtime::monitoring::pool_sample, 2>& of);

}  // namespace greenroom::actors
