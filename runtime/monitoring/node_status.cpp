#include "runtime/monitoring/node_status.hpp"

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

}  // namespace greenroom::runtime::monitoring
