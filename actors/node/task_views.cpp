#include "actors/node/task_views.hpp"

#include "actors/state/task_times_ms.hpp"

#include <utility>

namespace greenroom::actors {

using protocols::task;

task_names names_of(const catalog_store& catalogs, const task& job) {
  static const std::string none;
  // The catalog is read after the number: a fallback may be a specialist that an older catalog
  // does not have.
  const auto specialist = job.specialist.load(std::memory_order_acquire);
  const auto& catalog = catalogs.now();
  if (specialist >= catalog.members.size()) return {none, none};
  return {catalog.name_of(specialist), catalog.department_of(specialist)};
}

namespace {

/// The fields that are constant or atomic while the task is live. The state is read once: the task
/// may end on another thread, and a view must not be half open, half ended.
task_view live_fields_of(const catalog_store& catalogs, const task& job) {
  const auto names = names_of(catalogs, job);
  task_view result;
  result.id = job.id;
  result.state = job.state.load(std::memory_order_acquire);
  result.specialist = names.specialist;
  result.department = names.department;
  result.urgency = job.urgency;
  result.served_by = job.pool;
  result.accepted_unix_ms = job.accepted_unix_ms;
  return result;
}

}  // namespace

task_view view_of(const catalog_store& catalogs, const task& job, with_output how) {
  auto result = live_fields_of(catalogs, job);
  result.cold_start = job.cold_start;
  result.attempts = job.attempts;
  // The rest is written before the state says that the task has ended.
  if (!is_final(result.state)) return result;
  result.why = job.why;
  result.upstream = job.upstream();
  result.retry_after = std::chrono::milliseconds{job.retry_after_ms};
  if (how == with_output::yes) {
    result.output = job.output;
    result.output_bytes = job.output.size();
  }
  result.unwritten = job.unwritten.load(std::memory_order_acquire);
  copy_times_ms(job, result);
  result.ended_unix_ms = job.accepted_unix_ms + (job.ended_ns - job.accepted_ns) / 1'000'000;
  return result;
}

std::optional<task_view> open_view_of(const catalog_store& catalogs, const task& job) {
  auto result = live_fields_of(catalogs, job);
  if (is_final(result.state)) return std::nullopt;
  return result;
}

task_view view_of(const machine::stored_task& stored) {
  task_view result;
  result.id = stored.accepted.id;
  result.state = stored.state;
  result.specialist = stored.accepted.specialist;
  result.department = stored.accepted.department;
  result.urgency = stored.accepted.urgency;
  result.accepted_unix_ms = stored.accepted.accepted_unix_ms;
  result.attempts = stored.attempts;
  if (!stored.ended) return result;
  const auto& end = *stored.ended;
  result.state = end.state;
  result.why = end.why;
  result.output = end.output;
  result.output_bytes = stored.output_left_out ? stored.output_bytes : end.output.size();
  result.output_left_out = stored.output_left_out;
  result.cold_start = end.cold_start;
  result.attempts = end.attempts;
  result.served_by = end.pool;
  result.ended_unix_ms = end.ended_unix_ms;
  result.queue_ms = end.queue_ms;
  result.start_ms = end.start_ms;
  result.run_ms = end.run_ms;
  result.total_ms = end.total_ms;
  return result;
}

task_view final_view_of(const catalog_store& catalogs, const task& job) {
  const catalog_reader::scope reading;
  auto view = view_of(catalogs, job);
  if (!is_final(view.state)) {
    view.why = protocols::failure::draining;
    view.output =
        "the node stops before the task has ended; the task is in the journal and runs after the "
        "next start; if it was running and must not run twice, it becomes unknown";
  }
  return view;
}

}  // namespace greenroom::actors
