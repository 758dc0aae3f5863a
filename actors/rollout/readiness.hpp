// Whether a rollout may begin, and whether a rollback has arrived: what is warm, who answers.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/status_board.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/machine/tasks/ledger.hpp"
#include "runtime/rollout/ledger_balance.hpp"
#include "runtime/rollout/rollout_plan.hpp"

#include <cstddef>
#include <string>

namespace greenroom::actors {

/// What readiness is read from.
struct readiness_parts {
  const catalog_store& catalogs;
  const pool_records& pools;
  machine::task_ledger& ledger;
  const machine::node_gauge& gauge;
  const journal_inbox& journal;
  status_board& board;
};

/// What holds before the first task is copied.
[[nodiscard]] runtime::rollout::readiness readiness_of(const readiness_parts& where);

/// Baseline workers that are warm, of how many.
struct warm_count {
  std::size_t warm = 0, all = 0;
};
[[nodiscard]] warm_count baseline_count(const readiness_parts& where);

/// A command of the configuration that leads to no specialist; empty when there is none.
[[nodiscard]] std::string dead_command(const readiness_parts& where);

/// Accepted = answered + pending, now. Counters move while they are read, so a difference counts
/// only when it is seen again and again.
[[nodiscard]] runtime::rollout::ledger_verdict ledger_now(const readiness_parts& where);

/// Tasks of callers that the intelligent pool still has.
struct held_tasks {
  std::uint64_t waiting = 0, running = 0;
  [[nodiscard]] std::uint64_t all() const { return waiting + running; }
};
[[nodiscard]] held_tasks held_by_intelligent(const readiness_parts& where);

}  // namespace greenroom::actors
