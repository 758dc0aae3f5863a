#include "actors/tasks/journal_outcomes.hpp"

#include <utility>

namespace greenroom::actors {

using machine::verdict;
using protocols::failure, protocols::task, protocols::task_phase, protocols::task_ptr;
using protocols::task_state;

void journal_outcomes::on_written(const journal_note& note, const verdict& verdict,
                                  caf::execution_unit* unit) {
  auto job = task_ptr::adopt(note.job);
  switch (note.what) {
    case journal_note::kind::accepted: on_accepted(std::move(job), verdict, unit); break;
    case journal_note::kind::started: give_back(std::move(job), unit); break;
    case journal_note::kind::ended: on_ended(*job, verdict); break;
  }
}

void journal_outcomes::on_accepted(task_ptr job, const verdict& verdict,
                                   caf::execution_unit* unit) {
  const auto caller = job->observer;
  if (verdict.what == verdict::kind::same_request) {
    if (parts_.ending.discard_duplicate(*job) && caller) caller->on_existing(verdict.existing);
    return;
  }
  if (verdict.what == verdict::kind::key_conflict) {
    parts_.ending.reject_key_conflict(*job,
                                      "the idempotency key " + job->idempotency_key
                                          + " was used for another request before, which is task "
                                          + protocols::to_string(verdict.existing));
    return;
  }
  job->recorded.store(true, std::memory_order_release);
  if (job->announced.load(std::memory_order_acquire)) {
    // The task was ended before the dispatcher had taken it, so the journal did not know the task
    // yet when the end was noted. Without an end in the journal the task would run after the next
    // start.
    parts_.ending.note(*job, journal_note::kind::ended, unit);
    return;
  }
  if (caller) caller->on_accepted(*job);
  parts_.dispatching.returned.push(std::move(job), unit);
}

void journal_outcomes::on_ended(task& job, const verdict& verdict) {
  // An end that was announced before it could be written is written now. The end of a task that the
  // journal has lost never is.
  job.unwritten.store(
      verdict.what == verdict::kind::not_open && !job.announced.load(std::memory_order_acquire),
      std::memory_order_release);
  parts_.ending.publish_end(job);
}

void journal_outcomes::give_back(task_ptr job, caf::execution_unit* unit) {
  job->phase = task_phase::committed;
  auto& department = parts_.pools.of(job->pool).departments[job->department];
  department.link->submit(std::move(job), unit);
}

// Nothing that is not written may be acknowledged.
bool journal_outcomes::on_not_written(const journal_note& note, const std::string& why,
                                      std::chrono::milliseconds retry_after,
                                      caf::execution_unit* unit) {
  if (note.what == journal_note::kind::ended) {
    if (!note.job->announced.load(std::memory_order_acquire))
      note.job->unwritten.store(true, std::memory_order_release);
    parts_.ending.publish_end(*note.job);
    return true;
  }
  auto job = task_ptr::adopt(note.job);
  // A task whose acceptance is written must not be sent again: it runs after the next start if the
  // node dies before the end is written.
  const bool accepted = note.what == journal_note::kind::started;
  job->journaled = accepted;
  if (!accepted) job->retry_after_ms = retry_after.count();
  parts_.ending.end_task(
      *job, task_state::failed, failure::journal_unavailable,
      accepted ? "the task was accepted but not run, because its start could not be written (" + why
                     + "). It runs after the next start if the node ends now. Ask for it by its id "
                       "before you repeat it."
               : "the task could not be made durable: " + why,
      unit);
  if (accepted) give_back(std::move(job), unit);
  return false;
}

}  // namespace greenroom::actors
