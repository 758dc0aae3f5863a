// How the admission takes an unfinished task of an earlier run of the node.
#include "actors/tasks/admission.hpp"

#include <algorithm>

namespace greenroom::actors {

using protocols::failure, protocols::task_location, protocols::task_state;

bool admission::resume(const machine::stored_task& stored) {
  const auto& current = parts_.catalogs.now();
  const auto& accepted = stored.accepted;
  auto job = parts_.ledger.acquire(true);
  if (!job) return false;
  // The tasks were admitted before, so their inputs may be more than fits now.
  static_cast<void>(parts_.ledger.take_in(accepted.input.size(), std::uint64_t{1} << 63U));
  const auto found = current.find(accepted.specialist);
  const auto specialist = found == catalog::nobody ? 0 : found;
  const auto now = parts_.clock.now_ns();
  const auto time_ms = accepted.deadline_unix_ms - accepted.accepted_unix_ms;
  job->id = accepted.id;
  // The journal does not know whether the caller set a timeout, and after a restart of the node
  // every worker starts.
  job->start_beside =
      current.members[specialist].start_beside && time_ms == config::task_timeout_default.count();
  job->belongs_to(specialist, current.members[specialist].department);
  job->urgency = accepted.urgency;
  job->effects = accepted.effects;
  job->journaled = true;
  job->recorded = true;
  job->case_key = case_key_of(accepted.case_id);
  job->input = accepted.input;
  job->case_id = accepted.case_id;
  job->idempotency_key = accepted.idempotency_key;
  job->accepted_ns = now;
  job->accepted_unix_ms = accepted.accepted_unix_ms;
  // While the node was down nothing could work on the task: the task gets its whole time again.
  job->deadline_ns = now + std::max<std::int64_t>(time_ms, 1) * 1'000'000;
  job->attempts = stored.attempts;
  job->pool = parts_.routes.answering(job->case_id, job->idempotency_key);
  job->counted = protocols::task::counter_key(specialist, job->pool);
  parts_.pools.of(job->pool).specialists[specialist].gauge.entered.fetch_add(1);
  machine::count(parts_.gauge.entered);
  machine::count(parts_.gauge.taken);
  if (found == catalog::nobody) {
    job->location.store(task_location::journal);
    parts_.ending.end_task(*job, task_state::failed, failure::no_such_specialist,
                           accepted.specialist + " is not in the configuration any more", nullptr);
    return true;
  }
  // Only the start of a task that must not be done twice is journaled, whichever specialist did it.
  if (stored.state == task_state::running) {
    job->location.store(task_location::journal);
    parts_.ending.end_task(*job, task_state::unknown, failure::unknown_end,
                           "the node ended: the task may have run, and it must not run twice",
                           nullptr);
    return true;
  }
  push(std::move(job));
  return true;
}

}  // namespace greenroom::actors
