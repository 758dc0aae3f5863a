// Everything that stays while actors are replaced. No actor below the root gets the whole:
// `hand_out.cpp` lists the parts that each actor gets.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/idempotency_waiters.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/memory_use.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/shadow_traffic.hpp"
#include "actors/state/status_board.hpp"
#include "actors/state/synchronized.hpp"
#include "actors/state/tool_offers.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/state/worker_sources.hpp"
#include "actors/tasks/task_completion.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/machine/tasks/ledger.hpp"
#include "runtime/monitoring/sample_history.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace greenroom::actors {

/// The number of tasks that may be in memory at once: accepted ones, and ended ones whose end is
/// being told or written down.
[[nodiscard]] std::size_t tasks_at_once(const config::node& config);

struct node_state {
  node_state(std::shared_ptr<const catalog> first, std::size_t spare_specialists,
             std::uint64_t epoch, std::shared_ptr<const machine::clock> time);
  ~node_state();
  node_state(const node_state&) = delete;
  node_state& operator=(const node_state&) = delete;

  /// Drops every task, and with the tasks the askers, who may hold what is destroyed before this.
  /// @pre No part of the node runs any more.
  void forget_tasks();

  /// False when there is no room for so many more specialists or departments without a restart.
  /// One caller at a time.
  [[nodiscard]] bool replace_catalog(std::shared_ptr<const catalog> next);
  /// Numbers of the catalog in force that may be given to other specialists: their specialists are
  /// gone, no thread holds a catalog in which they had a name, and they have neither tasks nor a
  /// worker. For `make_catalog`.
  [[nodiscard]] std::vector<std::uint32_t> vacant() const;

  node_clock clock;
  catalog_store catalogs;
  event_log events;
  unexpected_messages unexpected{events};

  // -- the way of a task --
  machine::task_ledger ledger;
  machine::node_gauge gauge;
  pool_records pools;  ///< After the ledger: what lies in a port may be a task.
  dispatcher_inbox dispatching;
  journal_inbox journal;
  idempotency_waiters waiters;  ///< Callers who wait for a task with their idempotency key.
  worker_sources workers;
  tool_offers offers;  ///< Side effects of the tools of MCP servers.

  // -- which pool answers, and how well --
  routing_table routes;
  ends_feed ends;         ///< What a rollout is judged by, while there is one.
  shadow_traffic shadow;  ///< What the shadow phase compares.
  status_board board;
  synchronized<runtime::monitoring::sample_history> samples;  ///< Of the last day.
  memory_use memory;
  forecast_board forecast;

  std::uint64_t seed = 1;
  /// Called once, from an actor, when the tree of actors cannot be kept alive any more.
  std::function<void(std::string why)> on_fatal;

  task_completion ending;
};

}  // namespace greenroom::actors
