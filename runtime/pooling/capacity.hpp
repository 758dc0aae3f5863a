// Which workers count against the limits of a pool, and what still fits.
#pragma once

#include <cstddef>
#include <span>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// Slots and megabytes taken by specialists that count against the limits.
struct occupancy {
  std::size_t slots = 0;
  double memory_mb = 0;
};

/// A cooling worker has freed its slot; a pinned one never takes a slot.
inline bool counts(const slot_state& slot, const specialist_facts& facts) {
  return !facts.pinned && (slot.state == worker_state::warm || slot.state == worker_state::warming);
}

/// Idle, and in its slot for at least the minimum residency.
inline bool evictable(const slot_state& slot, const specialist_facts& facts, double min_residency_s,
                      double now_s) {
  return slot.state == worker_state::warm && slot.tasks == 0 && !facts.pinned
         && now_s - slot.since_s >= min_residency_s;
}

/// Idle time starts at the end of the last task, or when the worker became warm unused.
inline double idle_since(const slot_state& slot) {
  return slot.idle_since_s > slot.since_s ? slot.idle_since_s : slot.since_s;
}

/// Sums over the cast. `slot_states` and `facts` have the same length.
occupancy taken(std::span<const slot_state> slot_states, std::span<const specialist_facts> facts);

/// True when `extra` more fits within the limits. A budget of 0 is no budget.
bool within(const pool_limits& limits, const occupancy& now, const occupancy& extra = {});

}  // namespace greenroom::runtime
