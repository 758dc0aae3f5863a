// The end of a node: ../README.md lists the order in which the parts end.
#include "actors/node/parts.hpp"
#include "actors/state/text.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace greenroom {

using actors::json_object;
using protocols::pool_kind, protocols::task_state;

namespace {

constexpr std::chrono::milliseconds retry_elsewhere{5000};  // About as long as a restart takes.

void assert_destroyed_outside() {
  if (!machine::borrowed_thread::in_any()) return;
  std::fprintf(
      stderr, "greenroom: %s\n",
      "a node is destroyed inside one of its own callbacks or callables, which would wait for "
      "itself; destroy it on a thread of your own");
  std::abort();
}

/// Waits for callables that still run: C++ cannot interrupt them.
void wait_for_callables(node::parts& in) {
  auto timeout = std::chrono::seconds{1};
  constexpr std::chrono::seconds timeout_max{60};
  while (!in.running_calls->wait_for(timeout)) {
    in.state->events.publish("node.waits", json_object{{"for", "callables"},
                                                       {"running", in.running_calls->under_way()}});
    timeout = std::min(2 * timeout, timeout_max);
    // A callable that was submitting a task meanwhile may wait for the task's end now.
    in.state->forget_tasks();
  }
}

/// Refuses new tasks and ends all threads of the node that are not the engine's or the actors'.
void end_readers(node::parts& in) {
  in.link->close();
  in.lookups.stop();
  in.state->gauge.draining = true;
  in.state->gauge.closing = true;
  {
    const std::lock_guard lock{in.liveness_mutex};
    in.stopping = true;
  }
  in.liveness_wake.notify_all();
  if (in.liveness.joinable()) in.liveness.join();
  in.backups.reset();
  // The journal actor is the last to close the journal, and copies the log into the file.
  {
    const std::lock_guard lock{in.reader_mutex};
    in.reader.reset();
  }
  {
    const std::lock_guard lock{in.scan_mutex};
    in.scan_reader.reset();
  }
}

void end_actors(node::parts& in) {
  caf::anon_send_exit(in.root, caf::exit_reason::user_shutdown);
  in.root = nullptr;
  in.system->await_all_actors_done();
  // The actors have left behind what they had learnt. A failure has no receiver any more.
  static_cast<void>(in.state->forecast.learned.write());
}

/// Ends worker processes, and asks callables to stop.
void end_workers(node::parts& in) {
  for (std::size_t kind = 0; kind < actors::pool_count; ++kind)
    for (auto& record : in.state->pools.of(static_cast<pool_kind>(kind)).specialists)
      record.abandon();
}

/// Ends tasks that are in no journal: the next start does not know them.
void end_tasks(node::parts& in) {
  in.state->journal.on = false;
  in.state->ledger.for_each([&](protocols::task_ptr job) {
    if (!job->journaled)
      in.state->ending.end_task(*job, task_state::failed, protocols::failure::draining,
                                "the node was stopped", nullptr);
  });
}

}  // namespace

node::~node() {
  if (!parts_) return;
  assert_destroyed_outside();
  auto& in = *parts_;
  const actors::catalog_reader::scope reading;
  end_readers(in);
  end_actors(in);
  end_workers(in);
  end_tasks(in);
  in.engine->stop();
  in.keeper->close();
  // Callers may hold what the engine has (a door's streams), and what waits in the engine's loops
  // may hold tasks, which belong to the ledger. So the order is: callers, engine, actor system,
  // ledger. Callables are waited for in the middle: one may wait for another task, whose end is
  // reported by then, or never; and the callable's own task belongs to the ledger.
  in.webhook.reset();
  in.state->forget_tasks();
  wait_for_callables(in);
  in.engine.reset();
  in.system.reset();
}

std::size_t node::drain(std::chrono::milliseconds grace) {
  const actors::catalog_reader::scope reading;
  auto& state = *parts_->state;
  state.gauge.draining = true;
  state.events.publish("node.draining", json_object{});
  const auto until = std::chrono::steady_clock::now() + grace;
  constexpr std::chrono::milliseconds pause{5};
  while (std::chrono::steady_clock::now() < until && state.gauge.ended() < state.gauge.accepted())
    std::this_thread::sleep_for(pause);
  state.gauge.closing = true;
  std::size_t left = 0;
  state.ledger.for_each([&](const protocols::task_ptr& job) {
    if (job->ended()) return;
    if (job->journaled && job->recorded.load(std::memory_order_acquire)) {
      ++left;
      // While there is still a door, the caller gets the place where to ask for the task.
      if (!job->claimed.load(std::memory_order_acquire)) state.ending.on_node_stop(*job);
      return;
    }
    // The task will not be continued: the caller gets the end while there is still a door.
    job->retry_after_ms = retry_elsewhere.count();
    state.ending.end_task(*job, task_state::failed, protocols::failure::draining,
                          "the node went down before it was done", nullptr);
  });
  return left;
}

}  // namespace greenroom
