#include "actors/tasks/journal_records.hpp"

#include "actors/state/task_times_ms.hpp"
#include "runtime/machine/journal/idempotency.hpp"

#include <functional>
#include <string_view>

namespace greenroom::actors {

using protocols::task;

machine::accept_record accept_record_of(const journal_record_parts& parts, const task& job) {
  const auto& current = parts.catalogs.now();
  machine::accept_record result;
  result.id = job.id;
  result.specialist = current.name_of(job.specialist);
  result.department = current.department_of(job.specialist);
  result.urgency = job.urgency;
  result.effects = job.effects;
  result.input = job.input;
  result.case_id = job.case_id;
  result.idempotency_key = job.idempotency_key;
  if (!job.idempotency_key.empty()) {
    result.request_hash = machine::request_hash(parts.journal.hash_key, job.addressed, job.input);
    result.former_hash = std::hash<std::string_view>{}(job.input) ^ job.addressed * 31;
  }
  result.accepted_unix_ms = job.accepted_unix_ms;
  result.deadline_unix_ms = job.accepted_unix_ms + (job.deadline_ns - job.accepted_ns) / 1'000'000;
  return result;
}

machine::end_record end_record_of(const journal_record_parts& parts, const task& job) {
  machine::end_record result;
  result.id = job.id;
  result.state = job.end_state;
  result.why = job.why;
  result.output = job.output;
  result.cold_start = job.cold_start;
  result.attempts = job.attempts;
  result.pool = job.pool;
  result.ended_unix_ms = parts.clock.unix_ms();
  copy_times_ms(job, result);
  return result;
}

machine::record record_of(const journal_record_parts& parts, const journal_note& note) {
  const auto& job = *note.job;
  switch (note.what) {
    case journal_note::kind::accepted: return accept_record_of(parts, job);
    case journal_note::kind::started:
      // Written before the attempt begins, and counts it: the node may die while the task runs.
      return machine::start_record{job.id, job.attempts + 1};
    case journal_note::kind::ended: break;
  }
  return end_record_of(parts, job);
}

std::size_t record_bytes(const journal_note& note) {
  return note.what == journal_note::kind::ended ? note.job->output.size() : note.job->input.size();
}

}  // namespace greenroom::actors
