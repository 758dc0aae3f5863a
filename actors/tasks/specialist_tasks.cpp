#include "actors/tasks/specialist_tasks.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::task, protocols::task_phase, protocols::task_ptr;
using protocols::task_state;

namespace {

constexpr std::string_view pool_was_left = "tasks moved to the other pool while this one ran";

bool ended_elsewhere(const task_ptr& job) { return job->claimed.load(std::memory_order_relaxed); }

/// Whether the task was done is unknown: the department decides what that means.
bool has_unknown_end(const task& job) {
  return job.effects == protocols::side_effects::unsafe && job.result.why == failure::worker_failed
         && !job.result.answered;
}

}  // namespace

void specialist_tasks::accept(task_ptr job) {
  if (job->ended() || ended_elsewhere(job))
    give_back(std::move(job), task_phase::over);
  else if (!worker_.is_warm())
    give_back(std::move(job), task_phase::returned);
  else if (running_.size() < width())
    run(std::move(job));
  else
    waiting_.push_back(std::move(job));
}

void specialist_tasks::run(task_ptr job) {
  fencing_ = false;
  job->dispatched_ns = parts_.clock.now_ns();
  ++job->attempts;
  auto expected = task_state::queued;
  job->state.compare_exchange_strong(expected, task_state::running, std::memory_order_acq_rel);
  running_.push_back({.job = job});
  worker_.show_running(running_.size());
  worker_.run(std::move(job));
}

void specialist_tasks::on_result(task_ptr job) {
  const auto at = std::ranges::find(running_, job, &running_task::job);
  if (at == running_.end()) return;  // The worker answers twice.
  *at = std::move(running_.back());
  running_.pop_back();
  worker_.show_running(running_.size());
  end(std::move(job));
  // The next task begins only now, so that the answer has left before more work begins.
  run_waiting();
  if (running_.empty()) worker_.show_idle();
}

void specialist_tasks::end(task_ptr job) {
  auto& result = job->result;
  if (result.why == failure::none) {
    // The clock is read once for each task, because that is expensive.
    const bool first = parts_.ending.end_task(*job, task_state::completed, failure::none,
                                              std::move(result.output), self_.context());
    const auto ended_ns = first ? job->ended_ns : parts_.clock.now_ns();
    record_.gauge.learn_run(std::max<std::int64_t>(ended_ns - job->dispatched_ns, 1));
    give_back(std::move(job), task_phase::over);
  } else if (fencing_ && result.why == failure::cancelled) {
    // The worker let go of the task before the task was taken away.
    result = {failure::worker_failed, true, std::string{pool_was_left}};
    give_back(std::move(job), task_phase::attempted);
  } else if (!result.retryable && !has_unknown_end(*job)) {
    parts_.ending.end_task(*job, task_state::failed, result.why, std::move(result.output),
                           self_.context());
    give_back(std::move(job), task_phase::over);
  } else {
    give_back(std::move(job), task_phase::attempted);
  }
}

void specialist_tasks::run_waiting() {
  while (worker_.is_warm() && !waiting_.empty() && running_.size() < width()) {
    auto next = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    accept(std::move(next));
  }
}

void specialist_tasks::give_back(task_ptr job, task_phase phase) {
  job->phase = phase;
  department_.port.push(std::move(job), self_.context());
}

void specialist_tasks::return_waiting() {
  for (auto& job : std::exchange(waiting_, {})) give_back(std::move(job), task_phase::returned);
}

void specialist_tasks::on_worker_gone(const std::string& why) {
  for (auto& one : std::exchange(running_, {})) {
    one.job->result = {failure::worker_failed, true, "the worker " + why};
    give_back(std::move(one.job), task_phase::attempted);
  }
  return_waiting();
}

specialist_tasks::drop_result specialist_tasks::drop_ended(std::chrono::nanoseconds grace) {
  const auto now = parts_.clock.now_ns();
  bool works_for_others = false, overdue = false, again = false;
  for (auto& [job, overdue_since_ns] : running_) {
    if (!ended_elsewhere(job)) {
      works_for_others = true;
      continue;
    }
    worker_.cancel(job);
    if (overdue_since_ns == 0) {
      overdue_since_ns = now;
      again = true;
    }
    overdue = overdue || now - overdue_since_ns >= grace.count();
  }
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    if (!ended_elsewhere(*at)) {
      ++at;
      continue;
    }
    give_back(std::move(*at), task_phase::over);
    at = waiting_.erase(at);
  }
  if (!worker_.is_warm()) return {};
  return {.again = again, .stop = overdue && !works_for_others};
}

bool specialist_tasks::fence() {
  if (running_.empty() || !worker_.can_be_fenced()) return false;
  fencing_ = true;
  for (auto at = running_.begin(); at != running_.end();) {
    if (!worker_.forget(at->job)) {
      ++at;
      continue;
    }
    auto job = std::move(at->job);
    at = running_.erase(at);
    job->result = {failure::worker_failed, true, std::string{pool_was_left}};
    give_back(std::move(job), task_phase::attempted);
  }
  worker_.show_running(running_.size());
  if (running_.empty()) worker_.show_idle();
  return !running_.empty();
}

void specialist_tasks::clear() {
  running_.clear();
  waiting_.clear();
}

}  // namespace greenroom::actors
