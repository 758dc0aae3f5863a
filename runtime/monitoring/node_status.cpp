#include "runtime/monitoring/node_status.hpp"

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

std::string rfc3339(double at_s) {
  using namespace std::chrono;
  const sys_time<milliseconds> at{milliseconds{std::llround(at_s * 1000)}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return text;
}

}  // namespace greenroom::runtime::monitoring
