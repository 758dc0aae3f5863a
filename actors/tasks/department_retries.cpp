#include "actors/tasks/department_retries.hpp"

#include "actors/state/text.hpp"
#include "protocols/plain_text.hpp"
#include "runtime/resilience/backoff.hpp"
#include "runtime/resilience/retry_decision.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::side_effects, protocols::task, protocols::task_location;
using protocols::task_ptr, protocols::task_state;

namespace {

// A longer pause that a worker asks for is an end: no caller waits for it.
constexpr std::int64_t requested_pause_ms_max = 3'600'000;
// The caller gets a longer text than the event log keeps.
constexpr std::size_t event_why_bytes = 2048;
// Kept for each failed attempt of each task in the node.
constexpr std::size_t attempt_why_bytes = 1024;

// A model server that is asked too much works: it says how long to leave it alone, and the retries
// obey. So that is no failure for the circuit.
bool is_rate_limited(const protocols::attempt_result& result) {
  constexpr int too_many_requests = 429;
  return result.upstream && result.upstream->error_status == too_many_requests;
}

std::int64_t requested_pause_ms(const task& job) {
  return std::min(job.result.retry_after_ms, requested_pause_ms_max);
}

// For the text of a later time-out.
void keep_failure(task& job, const std::string& why) {
  const auto* before = job.failures.load(std::memory_order_relaxed);
  job.failures.store(
      new protocols::failed_attempt{job.attempts, protocols::clipped(why, attempt_why_bytes),
                                    before},
      std::memory_order_release);
}

}  // namespace

// -- what comes back ----------------------------------------------------------

void department_retries::on_ended(task_ptr job) {
  auto& entry = context_.entry_of(job->specialist);
  if (!queues_.take_back(entry, *job)) return;
  judge_ended(entry, *job);
  // The thread that completed the task has read the clock. A failed task may have ended while the
  // worker went on.
  queues_.on_task_left(entry, job->why == failure::none ? job->ended_ns : context_.now_ns());
  queues_.dispatch_queued(entry);
}

void department_retries::judge_ended(specialist_entry& entry, const task& job) {
  if (job.why == failure::none || job.why == failure::refused) {
    entry.failed_starts = 0;
    circuits_.on_success(entry);
  } else if (job.why == failure::out_of_time && job.attempts > 0) {
    fail_circuit(entry, !is_hurried(entry, job));
  } else if (job.why == failure::worker_failed && !is_rate_limited(job.result)
             && (job.result.upstream || !job.result.answered)) {
    fail_circuit(entry);  // In the middle of a stream, which cannot be tried again.
  } else {
    entry.breaker.forget();
  }
}

void department_retries::on_failed(task_ptr job) {
  auto& entry = context_.entry_of(job->specialist);
  queues_.take_back(entry, *job);
  job->holder = context_.incarnation;
  if (is_claimed(*job)) {
    if (job->why == failure::out_of_time)
      fail_circuit(entry, !is_hurried(entry, *job));
    else
      entry.breaker.forget();
  } else {
    // An input that kills its worker at each attempt is one failure, not several.
    if (!is_rate_limited(job->result) && (job->attempts <= 1 || !entry.breaker.is_closed()))
      fail_circuit(entry);
    else
      entry.breaker.forget();
    retry_or_end(entry, std::move(job));
  }
  queues_.on_task_left(entry, context_.now_ns());
  queues_.dispatch_queued(entry);
}

void department_retries::on_returned(task_ptr job) {
  auto& entry = context_.entry_of(job->specialist);
  // A specialist that has stopped its worker by itself is not warm until it says so again. A
  // specialist whose worker is up was told to give back the tasks that had not begun.
  if (job->holder == context_.incarnation && entry.state == worker_state::warm
      && !is_up(context_.record_of(entry).gauge.state.load(std::memory_order_relaxed))) {
    slots_.enter(entry, worker_state::cooling);
    slots_.report(entry, protocols::slot_news::kind::cooling);
  }
  if (queues_.take_back(entry, *job)) entry.breaker.forget();
  requeue(entry, std::move(job));
}

void department_retries::requeue(specialist_entry& entry, task_ptr job) {
  job->holder = context_.incarnation;
  if (context_.is_leaving())
    transfer_.use_other_pool(std::move(job));
  else if (!is_claimed(*job))
    queues_.enqueue_first(entry, std::move(job));
  queues_.on_task_left(entry, context_.now_ns());
  queues_.dispatch_queued(entry);
}

void department_retries::on_committed(task_ptr job) {
  job->location.store(task_location::department, std::memory_order_release);
  auto& entry = context_.entry_of(job->specialist);
  const bool mine = queues_.take_back(entry, *job);
  if (mine && entry.state == worker_state::warm && !is_claimed(*job)) {
    queues_.dispatch(entry, std::move(job));
    return;
  }
  if (mine) entry.breaker.forget();
  requeue(entry, std::move(job));
}

void department_retries::on_actor_lost(specialist_entry& entry, task_ptr job, std::string why) {
  job->result = {failure::worker_failed, true, std::move(why)};
  retry_or_end(entry, std::move(job));
}

// -- the decision -------------------------------------------------------------

void department_retries::retry_or_end(specialist_entry& entry, task_ptr job) {
  const auto& config = context_.config();
  const auto message = job->result.output;
  keep_failure(*job, message);
  if (job->effects == side_effects::unsafe) {
    end_unsafe(*job, message);
    return;
  }
  if (context_.is_leaving()) {
    transfer_.use_other_pool(std::move(job));
    return;
  }
  const runtime::backoff waits{config.retry.base, config.retry.max, config.retry.jitter};
  const auto decision =
      runtime::decide_retry({.attempts = job->attempts,
                             .attempts_max = config.retry.max_attempts,
                             .dispatched_ns = job->dispatched_ns,
                             .failed_ns = context_.now_ns(),
                             .deadline_ns = job->deadline_ns.load(std::memory_order_relaxed),
                             .backoff_ns = waits.delay(job->attempts, context_.chance()).count(),
                             .requested_pause_ns = requested_pause_ms(*job) * 1'000'000,
                             .circuit_admits = circuits_.room(entry) > 0});
  if (decision.prefer_fallback && transfer_.use_fallback(entry, job)) return;
  if (decision.exhausted) {
    end_failed(entry, *job, message);
    return;
  }
  machine::count(context_.record_of(entry).gauge.retries);
  machine::count(context_.own_pool().gauge.retries);
  auto running = task_state::running;
  job->state.compare_exchange_strong(running, task_state::queued);
  retries_.push_back({decision.due_ns, std::move(job)});
  queues_.arm_upkeep();
}

void department_retries::end_unsafe(task& job, const std::string& message) {
  const bool known = job.result.answered;
  context_.parts.ending.end_task(
      job, known ? task_state::failed : task_state::unknown,
      known ? failure::worker_failed : failure::unknown_end,
      message
          + (known ? ", and it must not run twice"
                   : "; the task may have run, and it must not run twice"),
      context_.self.context(), known ? requested_pause_ms(job) : 0);
}

void department_retries::end_failed(const specialist_entry& entry, task& job,
                                    const std::string& message) {
  context_.parts.events.publish("task.failed",
                                json_object{{"id", protocols::to_string(job.id)},
                                            {"specialist", context_.name_of(entry)},
                                            {"why", protocols::clipped(message, event_why_bytes)}});
  context_.parts.ending.end_task(job, task_state::failed, failure::worker_failed,
                                 message + " (attempt " + std::to_string(job.attempts) + ")",
                                 context_.self.context(), requested_pause_ms(job));
}

bool department_retries::is_hurried(const specialist_entry& entry, const task& job) const {
  return job.deadline_ns.load(std::memory_order_relaxed) - job.accepted_ns
         < context_.member_of(entry).task_timeout_ns;
}

void department_retries::fail_circuit(specialist_entry& entry, bool own_fault) {
  if (!circuits_.on_failure(entry, own_fault)) return;
  // The retries that no fallback takes keep their times.
  std::erase_if(retries_, [&](retry& later) {
    return later.job->specialist == entry.index && !is_claimed(*later.job)
           && transfer_.use_fallback(entry, later.job);
  });
}

// -- retries ------------------------------------------------------------------

bool department_retries::has_retry(const specialist_entry& entry) const {
  return std::ranges::any_of(
      retries_, [&](const retry& later) { return later.job->specialist == entry.index; });
}

bool department_retries::has_live_retry(const specialist_entry& entry) const {
  return std::ranges::any_of(retries_, [&](const retry& later) {
    return later.job->specialist == entry.index && !is_claimed(*later.job);
  });
}

void department_retries::leave_pool() {
  for (auto& later : std::exchange(retries_, {}))
    if (!is_claimed(*later.job)) transfer_.use_other_pool(std::move(later.job));
}

bool department_retries::upkeep() {
  const auto now = context_.now_ns();
  for (std::size_t i = 0; i < retries_.size();) {
    auto& later = retries_[i];
    const bool ended = is_claimed(*later.job);
    if (!ended && later.due_ns > now) {
      ++i;
      continue;
    }
    auto job = std::move(later.job);
    if (i + 1 != retries_.size()) retries_[i] = std::move(retries_.back());
    retries_.pop_back();
    if (ended) continue;
    if (context_.is_leaving()) {
      transfer_.use_other_pool(std::move(job));
      continue;
    }
    auto& entry = context_.entry_of(job->specialist);
    queues_.enqueue_first(entry, std::move(job));
    queues_.dispatch_queued(entry);
  }
  return !retries_.empty();
}

}  // namespace greenroom::actors
