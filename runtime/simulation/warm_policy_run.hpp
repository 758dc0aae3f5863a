// Runs the node's own policy on recorded traffic, in virtual time.
#pragma once

#include <cstddef>

#include "runtime/pooling/warm_policy.hpp"
#include "runtime/simulation/cost_ledger.hpp"
#include "runtime/simulation/trace.hpp"

namespace greenroom::runtime {

struct warm_policy_run {
  pool_limits limits;
  /// Minimum time between reviews, as on a node.
  double review_every_s = 1.0;
  /// Added to recorded times, for hours and weekdays.
  double epoch_s = 0;
  /// Keeps a specialist that exceeded `limits.max_warm` (all others were busy) until the next miss,
  /// as in the cost model of the slot policies. Otherwise the pool returns to its limit as soon as
  /// a specialist is idle, like a node, which never exceeds the limit.
  bool surplus_until_miss = false;
};

/// The policy gets the inputs that a node's director would give it. A specialist without room
/// starts anyway (the cost model exceeds its slots only when all are busy).
simulation_result run_warm_policy(const workload& work, warm_policy& policy,
                                  const warm_policy_run& settings);

}  // namespace greenroom::runtime
