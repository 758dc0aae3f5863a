// A measurement of one pool or the whole node at one moment: the input of health, alerts, rollback
// triggers and reports.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::runtime::monitoring {

/// Ratios are 0–1, times milliseconds, memory megabytes of 10^6 bytes (measured PSS where workers
/// are processes). Values that are unknown without traffic are nothing, and are not judged: no
/// traffic is neither good nor bad.
struct pool_sample {
  double at_s = 0;      ///< Seconds since the Unix epoch.
  std::string pool;     ///< "intelligent", "baseline" or "node".
  std::string profile;  ///< The active profile.
  std::uint64_t specialists = 0;
  std::uint64_t warm = 0;    ///< Warm or busy.
  std::uint64_t failed = 0;  ///< Failed to start; not retried now.

  double memory_mb = 0;              ///< Of the running workers.
  double always_warm_memory_mb = 0;  ///< With every specialist running.
  std::optional<double> memory_use;  ///< Share of the memory limit in use.
  /// Memory of this pool's workers ÷ memory of the baseline's workers, over the specialists with a
  /// measurement at work in both pools; nothing for the baseline.
  std::optional<double> worker_memory_ratio;
  /// 1 − warm memory over time ÷ always-warm memory over time, over the monitor's window.
  std::optional<double> memory_efficiency;

  std::uint64_t tasks = 0;   ///< Ended within the window.
  std::uint64_t errors = 0;  ///< Ended tasks with an error of the node or a worker.
  std::optional<double> error_rate;
  std::optional<double> success_rate;
  std::optional<double> warm_hit_rate;
  std::optional<double> cold_start_rate;
  std::optional<double> prediction_accuracy;

  double queue_depth = 0;  ///< Queued tasks of all specialists.
  std::optional<double> response_mean_ms;
  std::optional<double> response_p50_ms;
  std::optional<double> response_p95_ms;
  std::optional<double> response_p99_ms;
  std::optional<double> plain_response_ratio;  ///< Mean response ÷ the baseline's mean response.
  /// The ratio for health and triggers; see response_ratio.hpp.
  std::optional<double> response_ratio;
  std::optional<double> health;  ///< The health score of this sample.
};

/// The metrics of a sample by name, for rules, bands and reports.
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

/// The name in rules and records: `memory_use`.
std::string_view name_of(metric what);
std::optional<metric> metric_named(std::string_view name);
std::optional<double> value_of(const pool_sample& sample, metric what);

/// 0.913 of `memory_use` is "91.3 %", 2612.4 of `response_mean_ms` "2612 ms".
std::string written(metric what, double value);

}  // namespace greenroom::runtime::monitoring
