#include "runtime/monitoring/slot_watch.hpp"

#include <algorithm>
#include <map>

namespace greenroom::runtime::monitoring {
namespace {

// Tolerance: the director and this watch run at least once a second.
constexpr double looks_s = 3;
constexpr double start_unknown_s = 1;

}  // namespace

void slot_watch::forget() {
  idle_since_s_.clear();
  free_since_s_ = -1;
}

std::vector<std::size_t> slot_watch::look(std::span<const slot_view> all,
                                          const slot_watch_limits& limits, double now_s) {
  idle_since_s_.resize(all.size(), -1);
  std::size_t up = 0;
  double used_mb = 0;
  std::map<std::uint32_t, std::size_t> held;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& one = all[i];
    auto& since_s = idle_since_s_[i];
    if (!one.up || !one.idle)
      since_s = -1;
    else if (since_s < 0)
      since_s = now_s;
    auto& mine = held[one.department];
    if (!one.up) continue;
    ++up;
    ++mine;
    used_mb += one.memory_mb;
  }
  if (up >= limits.slots)
    free_since_s_ = -1;
  else if (free_since_s_ < 0)
    free_since_s_ = now_s;

  std::vector<std::size_t> stuck;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& one = all[i];
    if (one.waiting_s <= 0) continue;
    const double bound_s =
        limits.min_residency_s + (one.start_s > 0 ? one.start_s : start_unknown_s) + looks_s;
    if (one.waiting_s < bound_s) continue;
    // The last slot is reserved for other departments.
    if (held.size() > 1 && limits.slots > 1 && held[one.department] + 1 >= limits.slots) continue;
    bool there = free_since_s_ >= 0 && now_s - free_since_s_ >= bound_s;
    double idle_mb = 0;
    for (std::size_t other = 0; other < all.size(); ++other) {
      if (idle_since_s_[other] < 0 || now_s - idle_since_s_[other] < bound_s) continue;
      there = true;
      idle_mb += all[other].memory_mb;
    }
    const bool fits = limits.memory_budget_mb <= 0
                      || used_mb - idle_mb + one.memory_mb <= limits.memory_budget_mb;
    if (there && fits) stuck.push_back(i);
  }
  return stuck;
}

}  // namespace greenroom::runtime::monitoring
