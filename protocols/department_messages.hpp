// Messages to a department, its specialists and the dispatcher. Tasks reach these actors through
// rings; these messages are the rare control traffic.
#pragma once

#include "protocols/control_messages.hpp"
#include "protocols/slot_messages.hpp"

#include <caf/meta/type_name.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <string>

namespace greenroom::protocols {

struct pool_joined;   // In supervision_messages.hpp.
struct report_state;  // In pooling_messages.hpp.

// -- a specialist and its department --

/// Start the worker, unless it is up.
struct start_worker {};

/// Stop the worker, and give back the tasks that have not begun.
struct stop_worker {};

/// Ask the worker whether it is alive.
struct probe_worker {};

/// Tasks of the specialist have ended elsewhere: cancel them in the worker and give them back.
struct drop_ended_tasks {};

/// Give back the tasks that have not begun. With `fence` also the running tasks: another worker
/// does them, and this worker cannot answer them any more.
struct give_back_tasks {
  bool fence = false;
};

/// Specialist to department: a change of the worker.
struct worker_news {
  enum class kind : std::uint8_t { ready, gone };
  std::uint32_t specialist = 0;
  kind what = kind::gone;
  std::int64_t start_ns = 0;  ///< With ready: how long the start took.
  bool asked = false;         ///< With gone: the stop was requested.
  bool before_ready = false;  ///< With gone.
  std::string why;
};

template <class Inspector>
auto inspect(Inspector& f, start_worker&) {
  return f(caf::meta::type_name("start_worker"));
}
template <class Inspector>
auto inspect(Inspector& f, stop_worker&) {
  return f(caf::meta::type_name("stop_worker"));
}
template <class Inspector>
auto inspect(Inspector& f, probe_worker&) {
  return f(caf::meta::type_name("probe_worker"));
}
template <class Inspector>
auto inspect(Inspector& f, drop_ended_tasks&) {
  return f(caf::meta::type_name("drop_ended_tasks"));
}
template <class Inspector>
auto inspect(Inspector& f, give_back_tasks& x) {
  return f(caf::meta::type_name("give_back_tasks"), x.fence);
}
template <class Inspector>
auto inspect(Inspector& f, worker_news& x) {
  return f(caf::meta::type_name("worker_news"), x.specialist, x.what, x.start_ns, x.asked,
           x.before_ready, x.why);
}

// -- interfaces --

/// One specialist. All of its messages come from its department.
using specialist_actor = caf::typed_actor<
    // A slot was granted, or a worker that died is replaced in its slot.
    caf::reacts_to<start_worker>,
    // The slot was recalled, or the worker runs an old definition.
    caf::reacts_to<stop_worker>,
    // The department's answer to `check_workers` for an idle worker.
    caf::reacts_to<probe_worker>,
    // Repeated while the specialist holds tasks that have ended.
    caf::reacts_to<drop_ended_tasks>,
    // The pool is being left, or the slot was recalled for another specialist's turn.
    caf::reacts_to<give_back_tasks>>;

/// A department of one pool.
using department_actor = caf::typed_actor<
    // From the director: start this specialist.
    caf::reacts_to<slot_grant>,
    // From the director: cool this specialist unless it is in use.
    caf::reacts_to<slot_recall>,
    // From the pool or the director: report the state of every specialist to this director.
    caf::reacts_to<report_state>,
    // From a specialist: its worker is ready or has ended.
    caf::reacts_to<worker_news>,
    // From the dispatcher, through the pool: release tasks that were ended elsewhere.
    caf::reacts_to<purge>,
    // From the rollback, through the root and the pool: the pool is being left.
    caf::reacts_to<hand_over_tasks>,
    // From the node, through the root and the pool, at its interval.
    caf::reacts_to<check_workers>,
    // From the pool: read the catalog again.
    caf::reacts_to<settings_changed>>;

/// The dispatcher. Tasks reach it through its ring.
using dispatcher_actor = caf::typed_actor<
    // From the root: this pool, or its replacement, takes messages now.
    caf::reacts_to<pool_joined>>;

}  // namespace greenroom::protocols
