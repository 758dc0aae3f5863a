// What every policy asks of the seats: who counts against the limits, and who may be evicted.
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

/// One that is cooling has given up its place; a pinned one never had one.
inline bool counts(const seat& place, const specialist_facts& facts) {
  return !facts.pinned
         && (place.state == worker_state::warm || place.state == worker_state::warming);
}

/// Idle, and long enough in its place to be worth the start it cost.
inline bool evictable(const seat& place, const specialist_facts& facts, double min_residency_s,
                      double now_s) {
  return place.state == worker_state::warm && place.tasks == 0 && !facts.pinned
         && now_s - place.since_s >= min_residency_s;
}

/// An idle worker's clock starts when its last task ended, or when it got warm unused.
inline double idle_since(const seat& place) {
  return place.idle_since_s > place.since_s ? place.idle_since_s : place.since_s;
}

/// Sums over the cast. `seats` and `facts` have the same length.
occupancy taken(std::span<const seat> seats, std::span<const specialist_facts> facts);

/// True when `extra` more fits within the limits. A budget of 0 is no budget.
bool within(const pool_limits& limits, const occupancy& now, const occupancy& extra = {});

/// One that could go, and how little it is wanted: the smallest `worth` goes first, ties to the
/// longest idle and then to the lower index, so that the order never depends on the sort.
struct candidate {
  specialist_index who = 0;
  double worth = 0;
  double idle_since_s = 0;
};
bool goes_before(const candidate& left, const candidate& right);

/// Hands out those that could go, the least wanted first. Where a worth is dear to find out, the
/// candidates have one that it is at least, and `exactly` is asked only for those whose turn it
/// is: hardly more than are taken.
class eviction_order {
public:
  using weigh = std::function<double(specialist_index)>;
  explicit eviction_order(std::vector<candidate> candidates, weigh exactly = {});
  /// Nothing when all have been handed out.
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

/// Takes as few of `order` as make `needed` fit, least wanted first, and afterwards spares
/// each one without which the rest are enough. Empty with `fits` false when all of them together
/// are not enough. In an empty pool one that is larger than the budget fits, or it would never run.
warm_policy::room choose_evictions(eviction_order order, std::span<const specialist_facts> facts,
                                   const pool_limits& limits, occupancy now,
                                   const occupancy& needed);

}  // namespace greenroom::runtime
