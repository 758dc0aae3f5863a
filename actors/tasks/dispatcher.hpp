// The dispatcher: every admitted task passes it once, on the way to its department.
#pragma once

#include "actors/mailbox/draining_actor.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/tasks/deadline_sweep.hpp"
#include "actors/tasks/task_completion.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/tasks/ledger.hpp"

#include <caf/all.hpp>

#include <array>
#include <cstdint>

namespace greenroom::actors {

/// What the dispatcher works with.
struct dispatcher_parts {
  unexpected_messages& unexpected;
  const node_clock& clock;
  pool_records& pools;
  machine::task_ledger& ledger;
  dispatcher_inbox& dispatching;
  const journal_inbox& journal;
  task_completion& ending;
};

/// The dispatcher's message to itself.
using sweep_due = caf::atom_constant<caf::atom("sweep")>;

/// What other actors send, and the timer.
using dispatcher_interface = protocols::dispatcher_actor::extend<
    // End the tasks that are out of time, and wake the departments that asked for that.
    caf::reacts_to<sweep_due>>;

/// Empties the admission's ring, sends durable tasks by way of the journal, and gives each task to
/// its department in its pool. Ends tasks that are out of time, and tells the pool which
/// specialists' departments hold them.
class dispatcher final : public draining_actor<dispatcher_interface> {
public:
  dispatcher(caf::actor_config& cfg, const dispatcher_parts& parts);

  [[nodiscard]] const char* name() const override { return "greenroom.dispatcher"; }

protected:
  behavior_type make_behavior() override;
  void drain() override;
  bool take_some() override;
  void on_exit() override;

private:
  void take();
  /// To the journal first, if the task is durable and its acceptance is not written yet.
  void accept(protocols::task_ptr job);
  void dispatch(protocols::task_ptr job);
  void sweep();
  /// True when a department wants to be woken later.
  bool wake_departments(std::int64_t now_ns);
  void arm();

  dispatcher_parts parts_;
  deadline_sweep sweep_;
  std::array<protocols::pool_actor, pool_count> pools_;
  bool armed_ = false;
};

}  // namespace greenroom::actors
