#include "runtime/monitoring/pool_sample.hpp"

#include <cstdio>

namespace greenroom::runtime::monitoring {

std::string_view name_of(metric what) {
  switch (what) {
    case metric::memory_use: return "memory_use";
    case metric::memory_mb: return "memory_mb";
    case metric::memory_efficiency: return "memory_efficiency";
    case metric::error_rate: return "error_rate";
    case metric::success_rate: return "success_rate";
    case metric::warm_hit_rate: return "warm_hit_rate";
    case metric::cold_start_rate: return "cold_start_rate";
    case metric::prediction_accuracy: return "prediction_accuracy";
    case metric::queue_depth: return "queue_depth";
    case metric::response_mean_ms: return "response_mean_ms";
    case metric::response_p95_ms: return "response_p95_ms";
    case metric::response_p99_ms: return "response_p99_ms";
    case metric::response_ratio: return "response_ratio";
    case metric::health: return "health";
    case metric::warm: return "warm";
  }
  return "unknown";
}

std::optional<metric> metric_named(std::string_view name) {
  for (const auto each : all_metrics) {
    if (name_of(each) == name) return each;
  }
  return std::nullopt;
}

std::optional<double> value_of(const pool_sample& sample, metric what) {
  switch (what) {
    case metric::memory_use: return sample.memory_use;
    case metric::memory_mb: return sample.memory_mb;
    case metric::memory_efficiency: return sample.memory_efficiency;
    case metric::error_rate: return sample.error_rate;
    case metric::success_rate: return sample.success_rate;
    case metric::warm_hit_rate: return sample.warm_hit_rate;
    case metric::cold_start_rate: return sample.cold_start_rate;
    case metric::prediction_accuracy: return sample.prediction_accuracy;
    case metric::queue_depth: return sample.queue_depth;
    case metric::response_mean_ms: return sample.response_mean_ms;
    case metric::response_p95_ms: return sample.response_p95_ms;
    case metric::response_p99_ms: return sample.response_p99_ms;
    case metric::response_ratio: return sample.response_ratio;
    case metric::health: return sample.health;
    case metric::warm: return static_cast<double>(sample.warm);
  }
  return std::nullopt;
}

std::string written(metric what, double value) {
  char text[64];
  switch (what) {
    case metric::memory_use:
    case metric::memory_efficiency:
    case metric::error_rate:
    case metric::success_rate:
    case metric::warm_hit_rate:
    case metric::cold_start_rate:
    case metric::prediction_accuracy:
    case metric::health: std::snprintf(text, sizeof text, "%.1f %%", value * 100); break;
    case metric::memory_mb: std::snprintf(text, sizeof text, "%.1f MB", value); break;
    case metric::response_mean_ms:
    case metric::response_p95_ms:
    case metric::response_p99_ms:
      std::snprintf(text, sizeof text, value < 100 ? "%.1f ms" : "%.0f ms", value);
      break;
    case metric::response_ratio: std::snprintf(text, sizeof text, "%.2f x", value); break;
    case metric::queue_depth:
    case metric::warm: std::snprintf(text, sizeof text, "%.4g", value); break;
  }
  return text;
}

}  // namespace greenroom::runtime::monitoring
