#include "runtime/pooling/eviction_order.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::runtime {

bool goes_before(const candidate& left, const candidate& right) {
  if (left.worth != right.worth) return left.worth < right.worth;
  if (left.idle_since_s != right.idle_since_s) return left.idle_since_s < right.idle_since_s;
  return left.who < right.who;
}

bool eviction_order::later(const entry& left, const entry& right) {
  return goes_before(right.one, left.one);
}

eviction_order::eviction_order(std::vector<candidate> candidates, weigh exactly)
    : exactly_(std::move(exactly)) {
  heap_.reserve(candidates.size());
  for (const candidate& one : candidates) heap_.push_back({one, !exactly_});
  std::make_heap(heap_.begin(), heap_.end(), later);
}

std::optional<candidate> eviction_order::next() {
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    entry& least = heap_.back();
    if (least.exact) {
      const candidate one = least.one;
      heap_.pop_back();
      return one;
    }
    least.exact = true;
    least.one.worth = std::max(least.one.worth, exactly_(least.one.who));
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  return std::nullopt;
}

warm_policy::room choose_evictions(eviction_order order, std::span<const specialist_facts> facts,
                                   const pool_limits& limits, occupancy now,
                                   const occupancy& needed) {
  warm_policy::room answer;
  std::vector<candidate> chosen;
  while (!within(limits, now, needed)) {
    // A specialist larger than the whole budget evicts none, but runs in an empty pool.
    if (now.slots == 0 && chosen.empty() && limits.max_warm > 0) break;
    const auto least = order.next();
    if (!least) return answer;
    chosen.push_back(*least);
    --now.slots;
    now.memory_mb -= facts[least->who].memory_mb;
  }
  // A large candidate chosen late can make earlier small ones unnecessary.
  for (auto it = chosen.begin(); !chosen.empty() && it + 1 < chosen.end();) {
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
