#include "actors/key_follower.hpp"

namespace greenroom::actors {

using protocols::failure, protocols::task, protocols::task_id, protocols::task_state;

void key_follower::on_existing(const task_id& known) noexcept {
  if (const auto job = from_.find_live(known)) return follow(*job);
  if (const auto stored = from_.find_stored(known)) return tell_stored(*stored);
  machine::stored_task gone;
  gone.accepted.id = known;
  tell_stored(gone);
}

void key_follower::follow(const task& job) {
  who_->on_accepted(job);
  {
    const std::lock_guard lock{house_.waiters_mutex};
    house_.waiters.emplace(job.id.number, std::pair{job.id, who_});
  }
  if (!job.ended()) return;
  // It ended meanwhile. Whoever takes the entry out is the one who tells.
  {
    const std::lock_guard lock{house_.waiters_mutex};
    auto [at, end] = house_.waiters.equal_range(job.id.number);
    while (at != end && at->second.second != who_) ++at;
    if (at == end) return;
    house_.waiters.erase(at);
  }
  who_->on_end(job);
}

// A task that ended long ago, as its asker would have seen it.
void key_follower::tell_stored(const machine::stored_task& stored) {
  task job;
  const auto& said = stored.accepted;
  job.id = said.id;
  const auto specialist = house_.now_playing().find(said.specialist);
  if (specialist != cast::nobody) {
    job.specialist = specialist;
    job.department = house_.now_playing().members[specialist].department;
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
    job.state = end.state;
    who_->on_accepted(job);
  } else {
    job.why = failure::journal_unavailable;
    job.output =
        "the task with this idempotency key cannot be looked up now; ask for its end later";
    job.retry_after_ms = 1000;
    job.state = task_state::failed;
  }
  who_->on_end(job);
}

}  // namespace greenroom::actors
