// What the rollback's actor and the execution of a rollback have in common.
#pragma once

#include "actors/monitoring/evidence.hpp"
#include "actors/monitoring/pool_sampler.hpp"
#include "actors/rollout/verification.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/journaled_actor.hpp"
#include "actors/state/pool_records.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/metrics/gauges.hpp"

#include <caf/all.hpp>

#include <cstdint>

namespace greenroom::actors {

/// What the rollback works with.
struct rollback_parts : journaled_parts {
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  machine::node_gauge& gauge;
  sampler_parts sampling;
  evidence_parts evidence;
  verification_parts verifying;
};

using look_atom = caf::atom_constant<caf::atom("look")>;
using work_atom = caf::atom_constant<caf::atom("work")>;

/// The interface and the rollback's own timers. A stale generation means that the timer was armed
/// again since.
using rollback_self = protocols::rollback_actor::extend<
    // `rollout.check_interval` has passed: sample the pools.
    caf::reacts_to<look_atom, std::uint64_t>,
    // A rollback is under way: go on with its steps.
    caf::reacts_to<work_atom, std::uint64_t>>;

using rollback_base = journaled_actor<rollback_self, rollback_parts>;

}  // namespace greenroom::actors
