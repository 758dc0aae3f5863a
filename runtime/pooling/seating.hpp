// Slot states: which workers count against the limits, and which may be evicted.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// Slots and megabytes taken by specialists that count against the limits.
struct occupancy {
  std::size_t slots = 0;
  double memory_mb = 0;
};

/// A cooling worker has freed its slot; a pinned one never takes a slot.
inline bool counts(const seat& place, const specialist_facts& facts) {
  return !facts.pinned
         && (place.state == worker_state::warm || place.state == worker_state::warming);
}

/// Idle, and in its slot for at least the minimum residency.
inline bool evictable(const seat& place, const specialist_facts& facts, double min_residency_s,
                      double now_s) {
  return place.state == worker_state::warm && place.tasks == 0 && !facts.pinned
         && now_s - place.since_s >= min_residency_s;
}

/// Idle time starts at the end of the last task, or when the worker became warm unused.
inline double idle_since(const seat& place) {
  return place.idle_since_s > place.since_s ? place.idle_since_s : place.since_s;
}

/// Sums over the cast. `seats` and `facts` have the same length.
occupancy taken(std::span<const seat> seats, std::span<const specialist_facts> facts);

/// True when `extra` more fits within the limits. A budget of 0 is no budget.
bool within(const pool_limits& limits, const occupancy& now, const occupancy& extra = {});

/// An eviction candidate: the smallest `worth` is evicted first, ties go to the longest idle and
/// then to the lower index, so that the order is deterministic.
struct candidate {
  specialist_index who = 0;
  double worth = 0;
  double idle_since_s = 0;
};
bool goes_before(const candidate& left, const candidate& right);

/// Returns the candidates, smallest worth first. Where a worth is expensive to compute, a candidate
/// carries a lower bound, and `exactly` is called only for candidates that reach the front.
class eviction_order {
public:
  using weigh = std::function<double(specialist_index)>;
  explicit eviction_order(std::vector<candidate> candidates, weigh exactly = {});
  /// Nothing when no candidate is left.
  std::optional<candidate> next();

private:
  struct entry {
    candidate one;
    bool exact = false;
  };
  static bool later(const entry& left, const entry& right);

  std::vector<entry> heap_;
  weigh exactly_;
};

/// Takes as few of `order` as make `needed` fit, smallest worth first, and afterwards spares each
/// candidate that is not needed. Returns no evictions and `fits` false when all of them are not
/// enough. In an empty pool a specialist larger than the budget fits; otherwise it would never run.
warm_policy::room choose_evictions(eviction_order order, std::span<const specialist_facts> facts,
                                   const pool_limits& limits, occupancy now,
                                   const occupancy& needed);

}  // namespace greenroom::runtime
