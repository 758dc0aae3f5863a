// The state that a department keeps for one of its specialists.
#pragma once

#include "protocols/base/worker_state.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/tasks/waiting_line.hpp"
#include "runtime/machine/worker/function_worker.hpp"
#include "runtime/queueing/arrival_limiter.hpp"
#include "runtime/resilience/breaker.hpp"
#include "runtime/resilience/restart_budget.hpp"

#include <cstdint>
#include <vector>

namespace greenroom::actors {

using base::worker_state;

/// A task of an inline callable reads only the first cache line.
struct alignas(64) specialist_entry {
  /// A callable that runs in the department's own turn, without an actor and without a worker; null
  /// for all other specialists.
  const machine::callable* inline_callable = nullptr;
  std::uint32_t index = 0;  ///< In the catalog.
  /// Never `busy`: for the slot a busy worker is warm.
  worker_state state = worker_state::cold;
  bool slot_requested = false;  ///< The director was asked for a slot.
  bool is_reported = true;      ///< The director knows the load.
  bool has_actor = false;       ///< The actor lives. True for an inline callable, which needs none.
  bool circuit_published = true;  ///< The circuit was published as open, perhaps by a predecessor.
  bool outdated = false;          ///< Warm, with a definition that a reload has changed.
  bool replacing = false;         ///< The worker stops because it is outdated, and keeps the slot.
  std::uint32_t position = 0;     ///< Within the department.
  runtime::arrival_limiter arrivals;
  std::int64_t idle_since_ns = 0;

  /// Tasks that the specialist has, or whose start is being journaled; at most `member::pending`.
  std::vector<protocols::task_ptr> dispatched;
  runtime::breaker breaker;
  machine::waiting_line queue;
  std::uint32_t failed_starts = 0;       ///< In a row.
  std::int64_t start_not_before_ns = 0;  ///< The backoff after a failed start.
  std::int64_t drop_sent_ns = 0;         ///< When the specialist was told last to drop ended tasks.
  std::uint32_t born = 0;            ///< The catalog's generation in which the index got its name.
  std::uint32_t definition = 0;      ///< The catalog's generation of the definition.
  runtime::restart_budget restarts;  ///< Of the specialist's actor.
  std::uint64_t lease = 0;           ///< The number of the last grant received; see slot_news.
  std::int64_t state_since_ns = 0;   ///< When the worker entered `state`.
  bool had_tasks = false;            ///< The worker got a task since it is ready.
  bool yielding = false;             ///< The slot was recalled: stop after the dispatched tasks.
  bool given_up = false;             ///< The starts failed; see slot_news.

  [[nodiscard]] bool is_in_use() const { return !queue.empty() || !dispatched.empty(); }
};

}  // namespace greenroom::actors
