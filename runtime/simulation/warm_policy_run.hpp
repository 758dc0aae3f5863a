// Drives the node's own policy through recorded traffic, on virtual time.
#pragma once

#include <cstddef>

#include "runtime/pooling/warm_policy.hpp"
#include "runtime/simulation/ledger.hpp"
#include "runtime/simulation/trace.hpp"

namespace greenroom::runtime {

struct warm_policy_run {
  pool_limits limits;
  /// Reviews are not closer together than this; the node's are not either.
  double review_every_s = 1.0;
  /// Hour of the day and weekday come from the recording's time plus this.
  double epoch_s = 0;
  /// Who was let in beyond `limits.max_warm` because all were busy stays until the next miss, as in
  /// the cost model of the slot rules. Otherwise the pool is back within its limit as soon as
  /// somebody is idle, as a node is that never exceeds it.
  bool surplus_until_miss = false;
};

/// The policy sees what the director of a node would show it. One that is refused a place is
/// started all the same (the cost model exceeds its slots only when all are busy).
simulation_result run_warm_policy(const workload& work, warm_policy& policy,
                                  const warm_policy_run& settings);

}  // namespace greenroom::runtime
