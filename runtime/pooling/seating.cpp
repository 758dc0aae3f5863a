#include "runtime/pooling/seating.hpp"

#include <algorithm>
#include <cassert>

namespace greenroom::runtime {

occupancy taken(std::span<const seat> seats, std::span<const specialist_facts> facts) {
  assert(seats.size() == facts.size());
  occupancy sum;
  for (std::size_t i = 0; i < seats.size(); ++i) {
    if (!counts(seats[i], facts[i])) continue;
    ++sum.slots;
    sum.memory_mb += facts[i].memory_mb;
  }
  return sum;
}

bool within(const pool_limits& limits, const occupancy& now, const occupancy& extra) {
  // A sum of measured megabytes that equals the budget must not fail by a rounding error.
  constexpr double rounding = 1.0 + 1e-9;
  if (now.slots + extra.slots > limits.max_warm) return false;
  return limits.memory_budget_mb <= 0
         || now.memory_mb + extra.memory_mb <= limits.memory_budget_mb * rounding;
}

bool goes_before(const candidate& left, const candidate& right) {
  if (left.worth != right.worth) return left.worth < right.worth;
  if (left.idle_since_s != right.idle_since_s) return left.idle_since_s < right.idle_since_s;
  return left.who < right.who;
}

warm_policy::room choose_evictions(std::vector<candidate> candidates,
                                   std::span<const specialist_facts> facts,
                                   const pool_limits& limits, occupancy now,
                                   const occupancy& needed) {
  warm_policy::room answer;
  if (within(limits, now, needed)) {
    answer.fits = true;
    return answer;
  }
  // A heap, since most of the time the first one is enough.
  const auto later = [](const candidate& a, const candidate& b) { return goes_before(b, a); };
  std::make_heap(candidates.begin(), candidates.end(), later);
  std::vector<candidate> chosen;
  while (!within(limits, now, needed)) {
    if (candidates.empty()) return answer;
    std::pop_heap(candidates.begin(), candidates.end(), later);
    chosen.push_back(candidates.back());
    candidates.pop_back();
    --now.slots;
    now.memory_mb -= facts[chosen.back().who].memory_mb;
  }
  // A large one chosen late can make the small ones chosen before it unnecessary.
  for (auto it = chosen.begin(); it + 1 < chosen.end();) {
    const occupancy kept{now.slots + 1, now.memory_mb + facts[it->who].memory_mb};
    if (within(limits, kept, needed)) {
      now = kept;
      it = chosen.erase(it);
    } else {
      ++it;
    }
  }
  answer.fits = true;
  for (const candidate& one : chosen) {
    answer.evict.push_back({one.who, reason::evicted, one.worth});
  }
  return answer;
}

}  // namespace greenroom::runtime
