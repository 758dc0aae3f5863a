#include "actors/tasks/task_completion.hpp"

#include "protocols/task_times.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using machine::task_outcome;
using protocols::failure, protocols::task, protocols::task_ptr, protocols::task_state;

namespace {

task_outcome outcome_of(task_state state, failure why) {
  switch (state) {
    case task_state::completed: return task_outcome::completed;
    case task_state::cancelled: return task_outcome::cancelled;
    case task_state::unknown: return task_outcome::unknown;
    default: break;
  }
  return why == failure::out_of_time ? task_outcome::timeout : task_outcome::failed;
}

}  // namespace

bool task_completion::end_task(task& job, task_state state, failure why, std::string output,
                               caf::execution_unit* unit, std::int64_t retry_after_ms) {
  if (job.claimed.exchange(true, std::memory_order_acq_rel)) return false;
  if (retry_after_ms > 0) job.retry_after_ms = retry_after_ms;
  job.why = why;
  parts_.ledger.hold_output(output.size());
  job.output = std::move(output);
  job.end_state = state;
  job.ended_ns = parts_.clock.now_ns();
  const auto counted = job.counted.exchange(task::uncounted, std::memory_order_acq_rel);
  const auto kind = counted == task::uncounted ? job.pool.load() : task::pool_of(counted);
  const auto specialist =
      counted == task::uncounted ? job.specialist.load() : task::specialist_of(counted);
  job.pool.store(kind, std::memory_order_relaxed);
  // A task that moves at this moment ends with the specialist that it counts for.
  if (job.specialist.load(std::memory_order_relaxed) != specialist)
    job.belongs_to(specialist, parts_.catalogs.now().members[specialist].department);
  auto& pool = parts_.pools.of(kind);
  auto& gauge = pool.specialists[specialist].gauge;
  const auto outcome = static_cast<std::size_t>(outcome_of(state, why));
  const auto total_ns = protocols::total_ns(job);
  // A shadow copy has no caller, and has its own counters.
  if (job.is_shadow) {
    machine::count(pool.specialists[specialist].shadow_ends[outcome]);
    machine::count(parts_.pools.shadow_ends[outcome]);
  } else {
    machine::count(gauge.ends[outcome]);
    pool.departments[job.department].gauge.add(total_ns);
    parts_.gauge.leave();
  }
  pool.gauge.add(outcome, total_ns);
  parts_.ends.add(job, kind, state, why, total_ns);
  if (counted != task::uncounted) gauge.left.fetch_add(1, std::memory_order_relaxed);
  if (job.journaled && parts_.journal.on)
    note(job, journal_note::kind::ended, unit);
  else
    publish_end(job);
  return true;
}

void task_completion::note(task& job, journal_note::kind what, caf::execution_unit* unit) {
  auto held = task_ptr::share(&job);
  // At most three notes a task, and the ring has room for three of every task there can be.
  if (parts_.journal.notes.push({held.get(), what}, unit)) held.release();
}

void task_completion::answer_waiters(const task& job) {
  for (const auto& other : parts_.waiters.take(job.id)) other->on_end(job);
}

void task_completion::publish_end(task& job) {
  // The journal may call twice: when it cannot write an end, and when it can again. `journaled`
  // does not tell, because a task whose acceptance could not be written is not journaled.
  if (job.announced.exchange(true, std::memory_order_acq_rel)) return;
  if (!job.is_shadow) parts_.gauge.end();
  job.state.store(job.end_state, std::memory_order_release);
  if (job.observer) job.observer->on_end(job);
  if (!job.idempotency_key.empty()) answer_waiters(job);
  machine::task_ledger::let_go(job);
}

void task_completion::on_node_stop(task& job) {
  if (const auto caller = job.observer) caller->on_node_stopping(job);
  for (const auto& other : parts_.waiters.take(job.id)) other->on_node_stopping(job);
}

bool task_completion::uncount(task& job) {
  if (job.claimed.exchange(true, std::memory_order_acq_rel)) return false;
  job.announced.store(true, std::memory_order_relaxed);
  machine::count(parts_.gauge.withdrawn);
  parts_.gauge.leave();
  const auto counted = job.counted.exchange(task::uncounted, std::memory_order_acq_rel);
  if (counted != task::uncounted)
    parts_.pools.of(task::pool_of(counted))
        .specialists[task::specialist_of(counted)]
        .gauge.left.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool task_completion::discard_duplicate(task& job) {
  if (!uncount(job)) return false;
  job.end_state = task_state::cancelled;
  job.state.store(task_state::cancelled, std::memory_order_release);
  machine::task_ledger::let_go(job);
  return true;
}

void task_completion::reject_key_conflict(task& job, std::string why) {
  if (!uncount(job)) return;
  job.journaled = false;
  job.why = failure::key_conflict;
  parts_.ledger.hold_output(why.size());
  job.output = std::move(why);
  job.end_state = task_state::failed;
  job.ended_ns = parts_.clock.now_ns();
  job.state.store(task_state::failed, std::memory_order_release);
  if (job.observer) job.observer->on_end(job);
  answer_waiters(job);
  machine::task_ledger::let_go(job);
}

}  // namespace greenroom::actors
