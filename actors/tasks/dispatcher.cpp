#include "actors/tasks/dispatcher.hpp"

#include <chrono>
#include <utility>

namespace greenroom::actors {

using protocols::task, protocols::task_location, protocols::task_phase, protocols::task_ptr;

namespace {

constexpr std::chrono::milliseconds sweep_period{10};
constexpr int batches_max = 4;  // Before other actors run, while tasks keep coming.

}  // namespace

dispatcher::dispatcher(caf::actor_config& cfg, const dispatcher_parts& parts)
    : draining_actor{cfg},
      parts_{parts},
      sweep_{{parts.clock, parts.pools, parts.ledger, parts.ending}} {}

// -- tasks --------------------------------------------------------------------

void dispatcher::drain() {
  arm();
  auto& inbox = parts_.dispatching;
  for (int batch = 0; batch < batches_max; ++batch) {
    take();
    if (inbox.door.try_sleep() && inbox.returned.try_sleep()) return;
  }
  // Tasks keep coming, and the departments have not run yet.
  inbox.door.yield(context());
  yield();
}

bool dispatcher::take_some() {
  if (parts_.dispatching.door.empty() && parts_.dispatching.returned.empty()) return false;
  take();
  return true;
}

void dispatcher::take() {
  auto& inbox = parts_.dispatching;
  inbox.door.drain([&](task* job) { inbox.pending.push_back(task_ptr::adopt(job)); });
  // The pending tasks outlive the actor: each is released only once it has been given on.
  for (auto& job : inbox.pending)
    if (job) accept(std::move(job));
  inbox.pending.clear();
  for (auto* next = inbox.returned.take(); next != nullptr;) {
    auto* after = next->next.load(std::memory_order_relaxed);
    dispatch(task_ptr::adopt(next));
    next = after;
  }
}

void dispatcher::accept(task_ptr job) {
  if (job->journaled && parts_.journal.on && !job->recorded.load(std::memory_order_acquire)) {
    job->location.store(task_location::journal, std::memory_order_release);
    parts_.ending.note(*job, journal_note::kind::accepted, context());
    return;
  }
  dispatch(std::move(job));
}

void dispatcher::dispatch(task_ptr job) {
  if (job->claimed.load(std::memory_order_acquire)) return;
  job->phase = task_phase::wanted;
  job->location.store(task_location::ring, std::memory_order_release);
  auto& department = parts_.pools.of(job->pool).departments[job->department];
  department.link->submit(std::move(job), context());
}

// -- time ---------------------------------------------------------------------

void dispatcher::sweep() {
  armed_ = false;
  const auto now = parts_.clock.now_ns();
  auto holders = sweep_.run(now, context());
  for (std::size_t pool = 0; pool < pool_count; ++pool)
    if (!holders[pool].empty() && pools_[pool])
      send(pools_[pool], protocols::purge{std::move(holders[pool])});
  const bool tasks = parts_.ledger.alive() > 0;
  // Pairs with `department_usage::mark`: either the department sees that the timer does not run, or
  // the dispatcher sees when to wake the department.
  if (!tasks) parts_.dispatching.ticking.store(false, std::memory_order_seq_cst);
  if (wake_departments(now) || tasks) arm();
}

// One timer for all departments: each of CAF's timers costs two thread switches, and those of
// twenty departments at the same moment would hold up the tasks for half a millisecond.
bool dispatcher::wake_departments(std::int64_t now_ns) {
  bool later = false;
  for (auto& pool : parts_.pools)
    for (auto& department : pool.departments)
      later = department.link->wake_if_due(now_ns, context()) || later;
  return later;
}

void dispatcher::arm() {
  if (std::exchange(armed_, true)) return;
  parts_.dispatching.ticking.store(true, std::memory_order_seq_cst);
  delayed_send(this, sweep_period, sweep_due::value);
}

// -- behaviour ----------------------------------------------------------------

dispatcher::behavior_type dispatcher::make_behavior() {
  parts_.unexpected.watch(this);
  auto& inbox = parts_.dispatching;
  inbox.door.attach(caf::strong_actor_ptr{ctrl()});
  inbox.returned.attach(caf::strong_actor_ptr{ctrl()});
  inbox.door.mark_awake();
  inbox.returned.mark_awake();
  drain();
  return {
      [this](protocols::pool_joined& joined) {
        pools_[index_of(joined.kind)] = std::move(joined.pool);
      },
      [this](sweep_due) { sweep(); },
  };
}

void dispatcher::on_exit() {
  parts_.dispatching.door.attach({});
  parts_.dispatching.returned.attach({});
  pools_ = {};
}

}  // namespace greenroom::actors
