#include "runtime/monitoring/node_status.hpp"

#include "protocols/base/time_text.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace greenroom::runtime::monitoring {

std::string_view name_of(node_status what) {
  switch (what) {
    case node_status::healthy: return "HEALTHY";
    case node_status::degraded: return "DEGRADED";
    case node_status::critical: return "CRITICAL";
  }
  return "CRITICAL";
}

node_status derive_status(const status_evidence& seen) {
  if (seen.critical_alerts > 0 || seen.health < 0.60 || seen.rolling_back) {
    return node_status::critical;
  }
  if (seen.warning_alerts > 0 || seen.health < 0.80 || seen.draining || seen.blind) {
    return node_status::degraded;
  }
  return node_status::healthy;
}

std::string health_answer(const status_report& report, const pool_sample& sample) {
  const double utilization =
      sample.specialists == 0
          ? 0
          : static_cast<double>(sample.warm) / static_cast<double>(sample.specialists);
  const double saved = std::max(0.0, sample.always_warm_memory_mb - sample.memory_mb);
  const double efficiency = 100 * sample.memory_efficiency.value_or(0);
  char text[768];
  std::snprintf(
      text, sizeof text,
      "{\"status\":\"%s\",\"uptime\":%.0f,\"specialists\":{\"warm\":%llu,\"total\":%llu,"
      "\"utilization\":%.4g},\"performance\":{\"averageResponseTime\":%.6g,\"warmHitRate\":%.4g,"
      "\"queueDepth\":%.6g},\"memory\":{\"current\":%.6g,\"saved\":%.6g,\"efficiency\":%.4g},"
      "\"alerts\":%zu,\"lastCheck\":\"%s\"}",
      std::string(name_of(report.status)).c_str(), report.uptime_ms,
      static_cast<unsigned long long>(sample.warm),
      static_cast<unsigned long long>(sample.specialists), utilization,
      sample.response_mean_ms.value_or(0), sample.warm_hit_rate.value_or(0), sample.queue_depth,
      sample.memory_mb, saved, efficiency, report.alerts,
      base::rfc3339_of_seconds(report.last_check_s).c_str());
  return text;
}

}  // namespace greenroom::runtime::monitoring
