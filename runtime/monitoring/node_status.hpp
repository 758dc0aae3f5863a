// HEALTHY, DEGRADED or CRITICAL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/monitoring/pool_sample.hpp"

namespace greenroom::runtime::monitoring {

enum class node_status : std::uint8_t { healthy, degraded, critical };
/// In capitals, as in the health response.
std::string_view name_of(node_status what);

struct status_evidence {
  double health = 1;  ///< The health score.
  std::size_t critical_alerts = 0;
  std::size_t warning_alerts = 0;
  bool rolling_back = false;  ///< A rollback is running, or ended unverified.
  bool draining = false;
  bool blind = false;  ///< The monitor had no sample for three check intervals.
};

/// CRITICAL: a critical alert fires, the score is below 0.60 (where a rollback is due), or a
/// rollback runs. DEGRADED: a warning fires, the score is below 0.80, the node drains, or there was
/// no recent measurement. HEALTHY otherwise; info alerts never count.
node_status derive_status(const status_evidence& seen);

}  // namespace greenroom::runtime::monitoring
