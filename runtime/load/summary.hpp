// The results of a load, and their thresholds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/base/expected.hpp"
#include "runtime/load/latency_recorder.hpp"

namespace greenroom::runtime::load {

/// How one request ended, as seen by the caller.
enum class ending {
  completed,
  shed,       ///< 503 or 429: refused at admission, with a retry time.
  timed_out,  ///< 504, or no reply within the driver's own timeout.
  failed,     ///< Any other reply that is not 2xx.
  broken,     ///< No reply: connection refused, reset, closed.
};

/// Latencies are nanoseconds. `response` counts from the intended sending time, so it includes
/// delays of the driver and the node; `service` counts from the actual sending time. Both contain
/// completed requests only, because refusals are fast and would lower the result.
struct load_summary {
  std::uint64_t completed = 0, shed = 0, timed_out = 0, failed = 0, broken = 0;
  std::uint64_t cold_starts = 0;
  double measured_s = 0;  ///< Length of the measured part, warm-up excluded.
  latency_recorder response, service;

  void count(ending how);
  [[nodiscard]] std::uint64_t ended() const;
  /// Requests neither completed nor shed, as a share of all ended; 0 when none ended.
  [[nodiscard]] double error_rate() const;
  [[nodiscard]] double shed_rate() const;
  /// Share of the completed requests.
  [[nodiscard]] double cold_rate() const;
  [[nodiscard]] double throughput() const;  ///< Completed per second.
};

/// `p95_ms<250`, `error_rate<=0.01`, `throughput>100`.
struct threshold {
  std::string metric;
  bool below = true;  ///< True: the metric must be below the limit, else above.
  bool or_equal = false;
  double limit = 0;

  friend bool operator==(const threshold&, const threshold&) = default;
};

/// Metrics for thresholds: p50_ms p90_ms p95_ms p99_ms p999_ms mean_ms max_ms error_rate shed_rate
/// cold_rate warm_hit_rate throughput completed.
const std::vector<std::string>& threshold_metrics();

/// A problem when the text is malformed or the metric unknown.
base::expected<threshold> parse_threshold(std::string_view text);
std::string to_string(const threshold& one);

/// @pre `metric` is one of threshold_metrics().
double metric_of(const load_summary& summary, std::string_view metric);

/// Without completed requests a latency limit is not met.
bool meets(const load_summary& summary, const threshold& one);

}  // namespace greenroom::runtime::load
