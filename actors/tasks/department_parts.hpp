// What a supervisor of departments needs: a pool spawns its departments with this, and knows them
// only as `protocols::department_actor`.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/state/worker_sources.hpp"
#include "actors/tasks/specialist.hpp"
#include "actors/tasks/task_completion.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/machine/tasks/ledger.hpp"

#include <caf/all.hpp>

#include <cstdint>

namespace greenroom::actors {

/// What a department works with.
struct department_parts {
  unexpected_messages& unexpected;
  const node_clock& clock;
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  machine::task_ledger& ledger;
  machine::node_gauge& gauge;
  dispatcher_inbox& dispatching;
  const routing_table& routes;
  const worker_sources& workers;
  std::uint64_t seed;
  task_completion& ending;
  specialist_parts specialists;  ///< For the specialists that the department spawns.
};

/// Spawns a department of this node, linked to the supervisor. `index`: in the catalog.
[[nodiscard]] protocols::department_actor spawn_department(caf::local_actor& supervisor,
                                                           const department_parts& parts,
                                                           std::uint32_t index,
                                                           protocols::pool_kind pool,
                                                           protocols::director_actor director);

}  // namespace greenroom::actors
