#include "actors/tasks/department_queues.hpp"

#include "actors/mailbox/worker_link.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace greenroom::actors {

using protocols::failure, protocols::side_effects, protocols::task, protocols::task_location;
using protocols::task_phase, protocols::task_ptr, protocols::task_state;

namespace {

constexpr std::chrono::milliseconds upkeep_period{10};
constexpr std::int64_t drop_period_ns = 250'000'000;

}  // namespace

// -- into the queue -----------------------------------------------------------

void department_queues::accept(task_ptr job) {
  job->holder = context_.incarnation;
  job->location.store(task_location::department, std::memory_order_release);
  if (is_claimed(*job)) return;
  if (context_.is_leaving()) {
    transfer_.use_other_pool(std::move(job));
    return;
  }
  auto& entry = context_.entry_of(job->specialist);
  const bool finds_warm = entry.state == worker_state::warm && !entry.outdated;
  if (!finds_warm) {
    job->cold_start = true;
    allow_start(*job);
  }
  if (job->judged) count_start(entry, finds_warm);
  if (job->observed) usage_.add_arrival(entry, *job);
  usage_.mark(entry);
  if (entry.inline_callable != nullptr && entry.state == worker_state::warm && !entry.is_in_use()
      && entry.breaker.is_closed()) {
    dispatch(entry, std::move(job));
    return;
  }
  entry.queue.push_back(std::move(job));
  dispatch_queued(entry);
}

void department_queues::count_start(const specialist_entry& entry, bool finds_warm) const {
  auto& specialist = context_.record_of(entry).gauge;
  auto& pool = context_.own_pool().gauge;
  machine::count(finds_warm ? specialist.warm_hits : specialist.cold_starts);
  machine::count(finds_warm ? pool.warm_hits : pool.cold_starts);
}

void department_queues::enqueue_first(specialist_entry& entry, task_ptr job) {
  job->phase = task_phase::wanted;
  if (entry.state != worker_state::warm) allow_start(*job);
  entry.queue.push_front(std::move(job));
}

void department_queues::enqueue(specialist_entry& entry, task_ptr job) {
  job->phase = task_phase::wanted;
  entry.queue.push_back(std::move(job));
}

void department_queues::allow_start(specialist_entry& entry) {
  entry.queue.for_each([this](task& job) { allow_start(job); });
}

void department_queues::allow_start(task& job) const {
  if (!job.start_beside.load(std::memory_order_relaxed)) return;
  job.start_beside.store(false, std::memory_order_relaxed);
  const auto& who = context_.catalog_now().members[job.specialist.load(std::memory_order_relaxed)];
  job.deadline_ns.fetch_add(std::chrono::nanoseconds{who.config.backend.start_timeout}.count(),
                            std::memory_order_relaxed);
}

// -- out of the queue ---------------------------------------------------------

void department_queues::dispatch_queued(specialist_entry& entry) {
  if (!entry.breaker.is_closed()) {
    // A probe may have ended without a report to the breaker.
    entry.breaker.under_way(entry.dispatched.size());
    relieve(entry);
  }
  if (entry.state == worker_state::warm && (entry.yielding || entry.outdated)) {
    if (!entry.dispatched.empty()) return;
    if (entry.yielding)
      slots_.stop_worker(entry);
    else
      slots_.replace_worker(entry);
    return;
  }
  if (entry.queue.empty()) {
    // The director forgets a need that no task has any more: the next task asks anew.
    if (entry.slot_requested) slots_.withdraw_request(entry);
    return;
  }
  const auto& who = context_.member_of(entry);
  if (who.gone) {
    fail_queued(entry, failure::no_such_specialist, "taken out of the configuration");
    slots_.withdraw_request(entry);
  } else if (entry.state == worker_state::warm) {
    dispatch_to_warm(entry, who);
  } else if (entry.state == worker_state::cold) {
    request_slot(entry);
  }
}

void department_queues::dispatch_to_warm(specialist_entry& entry, const member& who) {
  // A task that waited for an inline callable does not begin before now.
  if (entry.inline_callable != nullptr) now_ns_ = context_.now_ns();
  while (entry.dispatched.size() < who.pending && !entry.queue.empty()) {
    if (!circuits_.admits(entry)) {
      arm_upkeep();
      return;
    }
    auto job = entry.queue.pop();
    if (is_claimed(*job))
      entry.breaker.forget();
    else
      dispatch(entry, std::move(job));
  }
}

void department_queues::request_slot(specialist_entry& entry) {
  // Without an actor no worker can start; when the actor is spawned, the queue is dispatched again.
  if (entry.slot_requested || !entry.has_actor || context_.parts.gauge.closing) return;
  const auto now = context_.now_ns();
  if (entry.start_not_before_ns > now || circuits_.is_open(entry, now)) {
    arm_upkeep();
    return;
  }
  if (std::exchange(entry.given_up, false)) entry.failed_starts = 0;
  slots_.request(entry);
}

void department_queues::dispatch(specialist_entry& entry, task_ptr job) {
  if (job->effects == side_effects::unsafe && job->journaled && !job->start_noted) {
    // If the node dies while the task runs, the task must not run again: that is journaled first.
    job->start_noted = true;
    job->dispatch_index = static_cast<std::uint32_t>(entry.dispatched.size());
    entry.dispatched.push_back(job);
    job->location.store(task_location::journal, std::memory_order_release);
    context_.parts.ending.note(*job, journal_note::kind::started, context_.self.context());
    return;
  }
  if (job->cold_start && job->start_wait_ns == 0 && job->attempts == 0)
    job->start_wait_ns = std::max<std::int64_t>(context_.now_ns() - job->accepted_ns, 1);
  if (entry.inline_callable != nullptr) {
    run_inline(entry, std::move(job));
    return;
  }
  job->dispatch_index = static_cast<std::uint32_t>(entry.dispatched.size());
  job->phase = task_phase::wanted;
  entry.had_tasks = true;
  entry.dispatched.push_back(job);
  context_.record_of(entry).port.push(std::move(job), context_.self.context());
}

// A short callable that never blocks has returned by the time in which an actor would be woken.
void department_queues::run_inline(specialist_entry& entry, task_ptr job) {
  auto& ending = context_.parts.ending;
  job->dispatched_ns = std::max(now_ns_, job->accepted_ns);
  ++job->attempts;
  auto expected = task_state::queued;
  job->state.compare_exchange_strong(expected, task_state::running, std::memory_order_acq_rel);
  const auto& limits = context_.config().limits;
  auto result = machine::call_now(*entry.inline_callable, *job, limits.output_bytes);
  worker_link::bound(result, {limits.output_bytes, limits.error_bytes});
  const auto state = result.why == failure::none ? task_state::completed : task_state::failed;
  const bool ended =
      ending.end_task(*job, state, result.why, std::move(result.output), context_.self.context());
  now_ns_ = ended ? job->ended_ns : context_.now_ns();
  context_.record_of(entry).gauge.learn_run(
      std::max<std::int64_t>(now_ns_ - job->dispatched_ns, 1));
  circuits_.on_success(entry);
  entry.idle_since_ns = now_ns_;
}

bool department_queues::take_back(specialist_entry& entry, task& job) {
  auto& dispatched = entry.dispatched;
  const auto at = job.dispatch_index;
  if (job.holder != context_.incarnation || at >= dispatched.size() || dispatched[at].get() != &job)
    return false;
  dispatched.back()->dispatch_index = at;
  std::swap(dispatched[at], dispatched.back());
  dispatched.pop_back();
  return true;
}

void department_queues::on_task_left(specialist_entry& entry, std::int64_t since_ns) {
  usage_.mark(entry);
  if (!entry.is_in_use()) entry.idle_since_ns = since_ns;
}

// -- tasks that do not wait any longer ----------------------------------------

void department_queues::relieve(specialist_entry& entry) {
  if (entry.queue.empty() || context_.member_of(entry).fallback == catalog::nobody) return;
  auto probes = circuits_.room(entry);
  std::vector<task_ptr> stay;
  for (auto job = entry.queue.pop(); job; job = entry.queue.pop()) {
    if (is_claimed(*job)) continue;
    if (probes > 0) {
      --probes;
      stay.push_back(std::move(job));
    } else if (!transfer_.use_fallback(entry, job)) {
      stay.push_back(std::move(job));
    }
  }
  for (auto& job : stay) entry.queue.push_back(std::move(job));
}

void department_queues::fail_queued(specialist_entry& entry, failure why,
                                    const std::string& message) {
  for (auto job = entry.queue.pop(); job; job = entry.queue.pop())
    if (why != failure::start_failed || !transfer_.use_fallback(entry, job))
      context_.parts.ending.end_task(*job, task_state::failed, why, message,
                                     context_.self.context());
}

void department_queues::release_ended(specialist_entry& entry) {
  entry.queue.erase_if(is_claimed);
  const auto now = context_.now_ns();
  const bool runs_ended =
      std::ranges::any_of(entry.dispatched, [](const task_ptr& job) { return is_claimed(*job); });
  if (runs_ended && context_.has_live_actor(entry) && now - entry.drop_sent_ns >= drop_period_ns) {
    entry.drop_sent_ns = now;
    context_.self.send(context_.actor_of(entry), protocols::drop_ended_tasks{});
  }
  on_task_left(entry, now);
  dispatch_queued(entry);
}

void department_queues::leave_pool(bool fence) {
  for (auto& entry : context_.entries) {
    for (auto job = entry.queue.pop(); job; job = entry.queue.pop())
      if (!is_claimed(*job)) transfer_.use_other_pool(std::move(job));
    if (context_.has_live_actor(entry) && !entry.dispatched.empty())
      context_.self.send(context_.actor_of(entry), protocols::give_back_tasks{fence});
    on_task_left(entry, context_.now_ns());
  }
}

// -- time ---------------------------------------------------------------------

void department_queues::renew_requests() {
  slots_.on_requests_due();
  for (auto& entry : context_.entries) {
    if (!std::exchange(entry.slot_requested, false)) continue;
    dispatch_queued(entry);
    if (!entry.slot_requested) slots_.withdraw_request(entry);
  }
}

void department_queues::request_all_again() {
  for (auto& entry : context_.entries) {
    entry.slot_requested = false;
    dispatch_queued(entry);
    if (!entry.slot_requested) slots_.withdraw_request(entry);
  }
}

void department_queues::arm_upkeep() {
  if (std::exchange(upkeep_armed_, true)) return;
  context_.self.delayed_send(&context_.self, upkeep_period, upkeep_due::value);
}

bool department_queues::upkeep() {
  bool again = false;
  for (auto& entry : context_.entries) {
    if (entry.queue.empty()) continue;
    dispatch_queued(entry);
    // Time alone decides when these queues go on; no message will say so.
    again = again
            || (!entry.queue.empty() && !entry.slot_requested && entry.state == worker_state::cold)
            || (entry.state == worker_state::warm && entry.dispatched.empty());
  }
  return again;
}

}  // namespace greenroom::actors
