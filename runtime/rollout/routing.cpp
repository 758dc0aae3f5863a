#include "runtime/rollout/routing.hpp"

#include "protocols/base/hash.hpp"

#include <algorithm>

namespace greenroom::runtime::rollout {

std::string_view name_of(mode what) {
  switch (what) {
    case mode::idle: return "idle";
    case mode::shadow: return "shadow";
    case mode::hybrid: return "hybrid";
    case mode::full: return "full";
    case mode::fallback: return "fallback";
  }
  return "fallback";
}

double routing::position_of(std::uint64_t key) const {
  return static_cast<double>(base::mixed(0, key ^ salt_) >> 11) * 0x1p-53;
}

pool_kind routing::side_of(std::uint64_t key, double percentage) const {
  const double share = std::clamp(percentage, 0.0, 100.0) / 100;
  return position_of(key) < share ? pool_kind::intelligent : pool_kind::baseline;
}

std::uint64_t routing_key(std::string_view case_id, std::string_view idempotency_key,
                          std::string_view task_id) {
  if (!case_id.empty()) return base::stable_hash(case_id);
  if (!idempotency_key.empty()) return base::stable_hash(idempotency_key);
  return base::stable_hash(task_id);
}

pool_kind answering_side(mode now, double percentage, std::uint64_t key, const routing& routes,
                         pool_kind configured) {
  switch (now) {
    case mode::idle: return configured;
    case mode::shadow:
    case mode::fallback: return pool_kind::baseline;
    case mode::hybrid: return routes.side_of(key, percentage);
    case mode::full: return pool_kind::intelligent;
  }
  return pool_kind::baseline;
}

bool mirrored(mode now, bool unsafe) { return now == mode::shadow && !unsafe; }

}  // namespace greenroom::runtime::rollout
