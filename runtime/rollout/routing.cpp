#include "runtime/rollout/routing.hpp"

#include <algorithm>

namespace greenroom::runtime::rollout {

namespace {

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): a bijection that mixes every bit.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

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

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char each : text) {
    hash = (hash ^ static_cast<unsigned char>(each)) * 0x100000001b3;
  }
  return mixed(hash);
}

double routing::position_of(std::uint64_t key) const {
  return static_cast<double>(mixed(key ^ salt_) >> 11) * 0x1p-53;
}

pool_kind routing::side_of(std::uint64_t key, double percentage) const {
  const double share = std::clamp(percentage, 0.0, 100.0) / 100;
  return position_of(key) < share ? pool_kind::intelligent : pool_kind::baseline;
}

std::uint64_t routing_key(std::string_view case_id, std::string_view idempotency_key,
                          std::string_view task_id) {
  if (!case_id.empty()) return stable_hash(case_id);
  if (!idempotency_key.empty()) return stable_hash(idempotency_key);
  return stable_hash(task_id);
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
