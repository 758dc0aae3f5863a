#include "actors/tasks/idempotency_responder.hpp"

namespace greenroom::actors {

using protocols::failure, protocols::task, protocols::task_id, protocols::task_state;

void idempotency_responder::on_existing(const task_id& known) noexcept {
  if (const auto job = from_.find_live(known)) return follow(*job);
  if (const auto stored = from_.find_stored(known)) return end_with_stored(*stored);
  machine::stored_task unknown;
  unknown.accepted.id = known;
  end_with_stored(unknown);
}

void idempotency_responder::follow(const task& job) {
  caller_->on_accepted(job);
  if (!caller_->waits()) return;  // An asynchronous caller has an answer already.
  const auto& limits = catalogs_.now().config.limits;
  const auto added = waiters_.add(
      job.id, caller_, {limits.key_waiters, limits.key_waiters_per_task, limits.key_waiter_bytes});
  if (added != idempotency_waiters::outcome::added) return refuse_full(job, added);
  // The caller may have hung up before the entry was there.
  if (!caller_->waits()) {
    waiters_.remove(caller_.get());
    return;
  }
  // The task may have ended meanwhile. The thread that removes the entry tells the caller.
  if (job.ended() && waiters_.remove(caller_.get())) caller_->on_end(job);
}

// No room to wait: the caller asks again, or asks for the task by its id.
void idempotency_responder::refuse_full(const task& job, idempotency_waiters::outcome why) {
  const auto& limits = catalogs_.now().config.limits;
  const auto key = [&]() -> std::string {
    switch (why) {
      case idempotency_waiters::outcome::task_full:
        return "limits.key_waiters_per_task " + std::to_string(limits.key_waiters_per_task);
      case idempotency_waiters::outcome::bytes_full:
        return "limits.key_waiter_bytes " + std::to_string(limits.key_waiter_bytes);
      default: return "limits.key_waiters " + std::to_string(limits.key_waiters);
    }
  }();
  task full;
  full.id = job.id;
  full.specialist = job.specialist.load();
  full.department = job.department.load();
  full.urgency = job.urgency;
  full.accepted_unix_ms = job.accepted_unix_ms;
  full.journaled = true;
  full.why = failure::queue_full;
  full.output = "too many callers wait with a repeated idempotency key (" + key
                + "); the task of this key continues: GET /v1/tasks/" + protocols::to_string(job.id)
                + " has the result";
  full.retry_after_ms = 1000;
  full.end_state = task_state::failed;
  full.state = task_state::failed;
  caller_->on_end(full);
}

// A task that ended long ago, as the first caller has seen it.
void idempotency_responder::end_with_stored(const machine::stored_task& stored) {
  task job;
  const auto& said = stored.accepted;
  job.id = said.id;
  const auto specialist = catalogs_.now().find(said.specialist);
  if (specialist != catalog::nobody) {
    job.specialist = specialist;
    job.department = catalogs_.now().members[specialist].department;
  }
  job.urgency = said.urgency;
  job.accepted_unix_ms = said.accepted_unix_ms;
  job.journaled = true;
  if (stored.ended) {
    const auto& end = *stored.ended;
    const auto ns = [](double ms) { return static_cast<std::int64_t>(ms * 1e6); };
    job.attempts = end.attempts;
    job.cold_start = end.cold_start;
    job.why = end.why;
    job.output = end.output;
    job.pool = end.pool;
    job.start_wait_ns = ns(end.start_ms);
    job.ended_ns = ns(end.total_ms);
    job.dispatched_ns = end.run_ms > 0 ? ns(end.total_ms - end.run_ms) : 0;
    job.end_state = end.state;
    job.state = end.state;
    caller_->on_accepted(job);
  } else {
    job.why = failure::journal_unavailable;
    job.output =
        "the task with this idempotency key cannot be looked up now; ask for its end later";
    job.retry_after_ms = 1000;
    job.end_state = task_state::failed;
    job.state = task_state::failed;
  }
  caller_->on_end(job);
}

}  // namespace greenroom::actors
