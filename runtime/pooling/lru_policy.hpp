// The plain rule: least recently used goes first, idle ones cool after a fixed time.
//
// What a node starts with, and what it falls back on when prediction does worse than this. A fixed
// keep-alive is the same policy with as many slots as there are specialists.
#pragma once

#include <memory>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// Keeps at most `max_warm` specialists within `memory_budget_mb`; both count what is warm or
/// warming and not pinned (one that is cooling has given its place up already). A specialist that
/// is needed takes the place of idle ones: lower priority first, then the longest idle. One that
/// is busy, pinned, warming or within its minimum residency is never chosen. A review cools what
/// has been idle for `cooldown_s`, sheds what exceeds the limits, and warms pins that are cold.
/// `make_room` and `review` are linear in the cast.
std::unique_ptr<warm_policy> make_lru_policy();

}  // namespace greenroom::runtime
