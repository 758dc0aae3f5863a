#include "runtime/pooling/capacity.hpp"

#include <cassert>

namespace greenroom::runtime {

occupancy taken(std::span<const slot_state> slot_states, std::span<const specialist_facts> facts) {
  assert(slot_states.size() == facts.size());
  occupancy sum;
  for (std::size_t i = 0; i < slot_states.size(); ++i) {
    if (!counts(slot_states[i], facts[i])) continue;
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

}  // namespace greenroom::runtime
