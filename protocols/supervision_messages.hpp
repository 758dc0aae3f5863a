// Messages to the root and the pools. Most of them are for the actors below.
#pragma once

#include "protocols/base/pool_kind.hpp"
#include "protocols/control_messages.hpp"
#include "protocols/journal_messages.hpp"
#include "protocols/pooling_messages.hpp"
#include "protocols/rollout_messages.hpp"

#include <caf/meta/type_name.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>

namespace greenroom::protocols {

/// A pool: the supervisor of one director and its departments.
using pool_actor = caf::typed_actor<
    // From the root; for the director.
    caf::reacts_to<predictor_joined>,
    // From the dispatcher; each department gets its share.
    caf::reacts_to<purge>,
    // From the memory sampler; for the director.
    caf::reacts_to<memory_survey>,
    // From the root; for the director.
    caf::reacts_to<reconcile_slots>,
    // From the root; for the director.
    caf::reacts_to<warm_by_hand>,
    // From the root; for the director.
    caf::reacts_to<cool_by_hand>,
    // From the root; for every department.
    caf::reacts_to<hand_over_tasks>,
    // From the root; for every department.
    caf::reacts_to<check_workers>,
    // From the root; for the director and every department. New departments are spawned first.
    caf::reacts_to<settings_changed>>;

/// A pool, or its replacement, takes messages now.
struct pool_joined {
  base::pool_kind kind = base::pool_kind::intelligent;
  pool_actor pool{};
};

/// Spawn this pool unless it has been spawned.
struct open_pool {
  base::pool_kind pool = base::pool_kind::baseline;
};

/// This pool is being left; see hand_over_tasks.
struct hand_over_pool {
  base::pool_kind pool = base::pool_kind::intelligent;
  bool fence = false;
};

/// Replace the worker of one specialist of one pool by a new process.
struct restart_worker {
  base::pool_kind pool = base::pool_kind::baseline;
  std::uint32_t specialist = 0;
};

template <class Inspector>
auto inspect(Inspector& f, pool_joined& x) {
  return f(caf::meta::type_name("pool_joined"), x.kind, x.pool);
}
template <class Inspector>
auto inspect(Inspector& f, open_pool& x) {
  return f(caf::meta::type_name("open_pool"), x.pool);
}
template <class Inspector>
auto inspect(Inspector& f, hand_over_pool& x) {
  return f(caf::meta::type_name("hand_over_pool"), x.pool, x.fence);
}
template <class Inspector>
auto inspect(Inspector& f, restart_worker& x) {
  return f(caf::meta::type_name("restart_worker"), x.pool, x.specialist);
}

/// The root: the supervisor of the pools and of every actor that is there once.
using root_actor = caf::typed_actor<
    // From the node after a reload, and from the rollout and the rollback when the baseline pool's
    // warmth changes; for the pools and for every actor that reads the catalog.
    caf::reacts_to<settings_changed>,
    // From the node, at its interval; for the pools.
    caf::reacts_to<check_workers>,
    // From the monitor, when a task is stuck; for the pools.
    caf::reacts_to<reconcile_slots>,
    // From an operator; for the pools.
    caf::reacts_to<warm_by_hand>,
    // From an operator; for the pools.
    caf::reacts_to<cool_by_hand>,
    // From the rollout, which wants to see a second process.
    caf::reacts_to<restart_worker>,
    // From the rollout or the rollback.
    caf::reacts_to<open_pool>,
    // From the rollback; for one pool.
    caf::reacts_to<hand_over_pool>,
    // From an operator, the rollout or the rollback; for the rollout or the rollback.
    caf::reacts_to<commands_posted>,
    // From the monitor, the rollout or the rollback; for the journal.
    caf::reacts_to<state_to_keep>,
    // From the rollout or the rollback; for the journal.
    caf::reacts_to<state_to_confirm>,
    // From the rollout; for the journal.
    caf::reacts_to<event_to_log>>;

}  // namespace greenroom::protocols
