// What a load came to, and whether that is good enough.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/load/latency_recorder.hpp"

namespace greenroom::runtime::load {

/// How one request ended, as the one who asked sees it.
enum class ending {
  completed,
  shed,       ///< 503 or 429: refused at the door, with a time to retry.
  timed_out,  ///< 504, or no answer within the driver's own patience.
  failed,     ///< Any other answer that is not 2xx.
  broken,     ///< No answer: connection refused, reset, closed.
};

/// Latencies are nanoseconds. `response` counts from the intended moment of sending, so a driver
/// or a node that falls behind is seen in it; `service` counts from the moment it was really sent.
/// Both hold completed requests only: refusals are fast and would flatter.
struct load_summary {
  std::uint64_t completed = 0, shed = 0, timed_out = 0, failed = 0, broken = 0;
  std::uint64_t cold_starts = 0;
  double measured_s = 0;  ///< Length of the measured part, warm-up excluded.
  latency_recorder response, service;

  void count(ending how);
  [[nodiscard]] std::uint64_t ended() const;
  /// All that is neither completed nor shed, as a share of all that ended; 0 when nothing did.
  [[nodiscard]] double error_rate() const;
  [[nodiscard]] double shed_rate() const;
  /// Of the completed ones.
  [[nodiscard]] double cold_rate() const;
  [[nodiscard]] double throughput() const;  ///< Completed per second.
};

/// `p95_ms<250`, `error_rate<=0.01`, `throughput>100`.
struct threshold {
  std::string metric;
  bool below = true;  ///< The metric must be below the limit, else above it.
  bool or_equal = false;
  double limit = 0;

  friend bool operator==(const threshold&, const threshold&) = default;
};

/// Names that thresholds may use: p50_ms p90_ms p95_ms p99_ms p999_ms mean_ms max_ms error_rate
/// shed_rate cold_rate warm_hit_rate throughput completed.
const std::vector<std::string>& threshold_metrics();

/// Nothing when the text has another form or the metric is unknown.
std::optional<threshold> parse_threshold(std::string_view text);
std::string to_string(const threshold& one);

/// @pre `metric` is one of threshold_metrics().
double metric_of(const load_summary& summary, std::string_view metric);

/// Latency limits are missed when nothing was completed: no answer is not a fast answer.
bool meets(const load_summary& summary, const threshold& one);

}  // namespace greenroom::runtime::load
