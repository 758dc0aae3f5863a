// Which idle workers are evicted to make room, and in which order.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "runtime/pooling/capacity.hpp"
#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

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
