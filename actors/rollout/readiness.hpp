// Whether a rollout may begin, and whether a rollback has arrived: what is warm, who answers.
#pragma once

#include "actors/state/node_state.hpp"
#include "runtime/rollout/ledger_balance.hpp"
#include "runtime/rollout/rollout_plan.hpp"

#include <cstddef>
#include <string>

namespace greenroom::actors {

/// What holds before the first task is mirrored.
[[nodiscard]] runtime::rollout::readiness readiness_of(const node_state& where);

/// Baseline workers that are warm, of how many.
struct warm_count {
  std::size_t warm = 0, all = 0;
};
[[nodiscard]] warm_count baseline_count(const node_state& where);

/// Every command of the configuration leads to somebody. Says which does not.
[[nodiscard]] std::string dead_command(const node_state& where);

/// Accepted = answered + pending, now. Counters move while they are read, so a difference counts
/// only when it is seen again and again.
[[nodiscard]] runtime::rollout::ledger_verdict ledger_now(const node_state& where);

/// Tasks of callers that the intelligent pool still has.
struct held_tasks {
  std::uint64_t waiting = 0, running = 0;
  [[nodiscard]] std::uint64_t all() const { return waiting + running; }
};
[[nodiscard]] held_tasks held_by_intelligent(const node_state& where);

}  // namespace greenroom::actors
