// What one pool, or the whole node, was seen to be at one moment: the values that health, alerts,
// rollback triggers and reports are decided from.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::runtime::monitoring {

/// Ratios are 0–1, times milliseconds, memory megabytes of 10^6 bytes (measured PSS where workers
/// are processes). What cannot be known without traffic is nothing then, and nothing is judged by
/// it: no traffic is neither good nor bad.
struct pool_sample {
  double at_s = 0;      ///< Seconds since the Unix epoch.
  std::string pool;     ///< "intelligent", "baseline" or "node".
  std::string profile;  ///< The cast in force.
  std::uint64_t specialists = 0;
  std::uint64_t warm = 0;    ///< Warm or busy.
  std::uint64_t failed = 0;  ///< Given up for now.

  double memory_mb = 0;              ///< Of the workers that are up.
  double always_warm_memory_mb = 0;  ///< What it would be with every specialist up.
  std::optional<double> memory_use;  ///< Share of the memory limit that is used.
  /// Memory of this pool's workers ÷ that of the baseline's own, of the specialists that both have
  /// measured at work; nothing for the baseline.
  std::optional<double> worker_memory_ratio;
  /// 1 − warm memory over time ÷ always-warm memory over time, over the monitor's window.
  std::optional<double> memory_efficiency;

  std::uint64_t tasks = 0;   ///< Ended within the window.
  std::uint64_t errors = 0;  ///< Of them, those that ended in an error of ours or a worker's.
  std::optional<double> error_rate;
  std::optional<double> success_rate;
  std::optional<double> warm_hit_rate;
  std::optional<double> cold_start_rate;
  std::optional<double> prediction_accuracy;

  double queue_depth = 0;  ///< Tasks that wait, all specialists together.
  std::optional<double> response_mean_ms;
  std::optional<double> response_p50_ms;
  std::optional<double> response_p95_ms;
  std::optional<double> response_p99_ms;
  std::optional<double> plain_response_ratio;  ///< Mean response ÷ the baseline's mean response.
  /// The same as it counts for health and triggers; see response_ratio.hpp.
  std::optional<double> response_ratio;
  std::optional<double> health;  ///< The health score of this very sample.
};

/// The measured quantities of a sample by name, for rules, bands and reports.
enum class metric : std::uint8_t {
  memory_use,
  memory_mb,
  memory_efficiency,
  error_rate,
  success_rate,
  warm_hit_rate,
  cold_start_rate,
  prediction_accuracy,
  queue_depth,
  response_mean_ms,
  response_p95_ms,
  response_p99_ms,
  response_ratio,
  health,
  warm,
};
constexpr std::array<metric, 15> all_metrics{metric::memory_use,
                                             metric::memory_mb,
                                             metric::memory_efficiency,
                                             metric::error_rate,
                                             metric::success_rate,
                                             metric::warm_hit_rate,
                                             metric::cold_start_rate,
                                             metric::prediction_accuracy,
                                             metric::queue_depth,
                                             metric::response_mean_ms,
                                             metric::response_p95_ms,
                                             metric::response_p99_ms,
                                             metric::response_ratio,
                                             metric::health,
                                             metric::warm};

/// The name as it is written in rules and records: `memory_use`.
std::string_view name_of(metric what);
std::optional<metric> metric_named(std::string_view name);
std::optional<double> value_of(const pool_sample& sample, metric what);

/// 0.913 of `memory_use` is "91.3 %", 2612.4 of `response_mean_ms` "2612 ms".
std::string written(metric what, double value);

}  // namespace greenroom::runtime::monitoring
