// LRU eviction, and a fixed cooldown for idle specialists.
//
// A node starts with this policy and falls back to it when prediction does worse. A fixed
// keep-alive is the same policy with as many slots as specialists.
#pragma once

#include <memory>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// Keeps at most `max_warm` specialists within `memory_budget_mb`; both limits count workers that
/// are warm or warming and not pinned (a cooling worker has freed its slot already). A specialist
/// that is needed evicts idle ones: lower priority first, then the longest idle. A specialist that
/// is busy, pinned, warming or within its minimum residency is never evicted. A review cools
/// specialists that were idle for `cooldown_s`, evicts down to the limits, and warms pinned
/// specialists that are cold. `make_room` and `review` are linear in the cast.
std::unique_ptr<warm_policy> make_lru_policy();

}  // namespace greenroom::runtime
