#include "actors/tasks/specialist_supervisor.hpp"

#include "actors/mailbox/dismiss.hpp"
#include "actors/state/text.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::actors {

using protocols::failure, protocols::slot_news, protocols::task_location, protocols::task_phase;
using protocols::task_ptr, protocols::task_state;

// -- the catalog --------------------------------------------------------------

void specialist_supervisor::adopt_catalog() {
  const auto& current = context_.catalog_now();
  context_.generation = current.generation;
  add_entries(current);
  for (auto& entry : context_.entries) begin_anew(entry);
  if (!open_) return;
  drop_former_callables();
  for (std::uint32_t position = 0; position < context_.entries.size(); ++position) {
    auto& entry = context_.entries[position];
    if (!entry.has_actor && !context_.member_of(entry).gone && !context_.actor_of(entry)) {
      spawn_specialist(position);
      queues_.dispatch_queued(entry);
    }
    adopt_definition(entry, current);
    if (context_.member_of(entry).gone) adopt_removal(entry);
    renew_worker(entry);
    publish_vacancy(entry, current);
  }
}

void specialist_supervisor::add_entries(const catalog& current) {
  const auto& members = current.department_members[context_.index];
  for (auto position = context_.entries.size(); position < members.size(); ++position) {
    auto& entry = context_.entries.emplace_back();
    entry.index = members[position];
    entry.position = static_cast<std::uint32_t>(position);
    entry.definition = current.definitions[entry.index];
    entry.lease = first_lease_;
  }
}

// The index may have another name than in the catalog before.
void specialist_supervisor::begin_anew(specialist_entry& entry) {
  const auto born = context_.catalog_now().born[entry.index];
  if (std::exchange(entry.born, born) == born) return;
  entry.breaker = {};
  entry.restarts = {};
  entry.failed_starts = 0;
  entry.start_not_before_ns = entry.drop_sent_ns = 0;
  entry.arrivals = {};
  slots_.withdraw_request(entry);
  if (entry.inline_callable == nullptr) return;
  const auto* fresh = context_.parts.workers.inline_callable(context_.member_of(entry));
  if (fresh != nullptr) entry.inline_callable = fresh;
}

// A specialist that is no callable any more needs an actor.
void specialist_supervisor::drop_former_callables() {
  for (auto& entry : context_.entries) {
    if (entry.inline_callable == nullptr
        || context_.parts.workers.inline_callable(context_.member_of(entry)) != nullptr)
      continue;
    if (entry.state == worker_state::warm) slots_.cool_inline_callable(entry);
    entry.inline_callable = nullptr;
    entry.has_actor = false;
    slots_.withdraw_request(entry);
  }
}

void specialist_supervisor::adopt_definition(specialist_entry& entry, const catalog& current) {
  // The definition may have changed, or what the worker lacked may be there: the operator need not
  // wait for the circuit.
  if (!entry.breaker.is_closed()) circuits_.on_success(entry);
  const auto definition = current.definitions[entry.index];
  if (std::exchange(entry.definition, definition) != definition) {
    // The failures were another worker's than the next one.
    auto& record = context_.record_of(entry);
    entry.breaker.success();
    entry.failed_starts = 0;
    entry.start_not_before_ns = 0;
    record.last_error.write([](std::string& text) { text.clear(); });
    record.failed_starts.store(0, std::memory_order_relaxed);
  }
  if (!std::exchange(entry.given_up, false)) return;
  entry.failed_starts = 0;
  entry.start_not_before_ns = 0;
  if (entry.state != worker_state::cold) return;
  context_.show(entry, worker_state::cold);
  slots_.report_state(entry);
}

void specialist_supervisor::adopt_removal(specialist_entry& entry) {
  queues_.fail_queued(entry, failure::no_such_specialist, "taken out of the configuration");
  if (entry.inline_callable == nullptr) return;
  const protocols::slot_recall recall{entry.index, base::slot_reason::by_hand};
  if (slots_.on_recall(entry, recall)) queues_.dispatch_queued(entry);
}

// Running tasks end on the old definition. A start with it would be for nothing.
void specialist_supervisor::renew_worker(specialist_entry& entry) {
  if (!context_.has_live_actor(entry)
      || !context_.parts.pools.runs_old_definition(context_.catalog_now(), context_.pool,
                                                   entry.index))
    return;
  if (entry.state == worker_state::warm) {
    entry.outdated = true;
    queues_.dispatch_queued(entry);
  } else if (entry.state == worker_state::warming) {
    slots_.replace_worker(entry);
  }
}

// A removed specialist without tasks and without a worker: tasks that arrive from now on end at
// once, so the index may get another name.
void specialist_supervisor::publish_vacancy(specialist_entry& entry, const catalog& current) {
  if (current.members[entry.index].gone && entry.state == worker_state::cold && !entry.is_in_use()
      && !retries_.has_retry(entry))
    context_.record_of(entry).vacant_since.store(current.left[entry.index],
                                                 std::memory_order_release);
}

// -- a former department of this index ----------------------------------------

bool specialist_supervisor::end_former_specialists() {
  for (const auto& entry : context_.entries) {
    const auto& former = context_.actor_of(entry);
    if (!former) continue;
    ++awaited_;
    context_.self.monitor(former);
    dismiss(former);
  }
  return awaited_ == 0;
}

void specialist_supervisor::open() {
  open_ = true;
  for (auto& entry : context_.entries) {
    auto& record = context_.record_of(entry);
    record.abandon();
    record.actor = nullptr;
    slots_.withdraw_request(entry);
    // Before anything is requested: the director may think that the worker is still warm.
    slots_.report(entry, slot_news::kind::released);
  }
}

void specialist_supervisor::recover_tasks() {
  std::vector<task_ptr> found;
  context_.parts.ledger.for_each([&](task_ptr job) {
    if (job->location.load(std::memory_order_acquire) == task_location::department
        && job->pool == context_.pool && job->department == context_.index
        && job->holder != context_.incarnation && !is_claimed(*job))
      found.push_back(std::move(job));
  });
  std::ranges::sort(found, {}, [](const task_ptr& job) { return job->accepted_ns; });
  for (auto& job : found) {
    auto& entry = context_.entry_of(job->specialist);
    job->holder = context_.incarnation;
    if (job->state.load() == task_state::running)
      retries_.on_actor_lost(entry, std::move(job), "the department was lost while it ran");
    else
      queues_.enqueue(entry, std::move(job));
  }
  for (std::uint32_t position = 0; position < context_.entries.size(); ++position) {
    auto& entry = context_.entries[position];
    // A newer catalog that was adopted meanwhile may have spawned the specialist already.
    if (!entry.has_actor && !context_.member_of(entry).gone) spawn_specialist(position);
    usage_.mark(entry);
    queues_.dispatch_queued(entry);
  }
}

// -- the specialists of this department ---------------------------------------

void specialist_supervisor::spawn_specialist(std::uint32_t position) {
  auto& entry = context_.entries[position];
  entry.has_actor = true;
  entry.inline_callable = context_.parts.workers.inline_callable(context_.member_of(entry));
  if (entry.inline_callable != nullptr) return;
  context_.record_of(entry).actor = context_.self.spawn<specialist, caf::linked + caf::lazy_init>(
      context_.parts.specialists, entry.index, context_.pool,
      caf::actor_cast<protocols::department_actor>(&context_.self));
}

std::optional<std::uint32_t> specialist_supervisor::position_of(
    const caf::actor_addr& actor) const {
  for (const auto& entry : context_.entries)
    if (context_.has_live_actor(entry) && context_.actor_of(entry).address() == actor)
      return entry.position;
  return std::nullopt;
}

bool specialist_supervisor::on_specialist_lost(std::uint32_t position) {
  auto& entry = context_.entries[position];
  auto& record = context_.record_of(entry);
  record.abandon();
  record.actor = nullptr;
  entry.has_actor = false;
  slots_.withdraw_request(entry);
  entry.outdated = entry.replacing = false;
  slots_.enter(entry, worker_state::cold);
  machine::count(context_.record().gauge.actor_restarts);
  context_.parts.events.publish("actor.lost", json_object{{"specialist", context_.name_of(entry)}});
  slots_.report_state(entry);
  if (entry.given_up) context_.show(entry, worker_state::failed);
  take_back_tasks(entry);
  const auto limits = restart_limits();
  const auto delay = entry.restarts.next_restart(
      {limits.intensity, limits.window, context_.config().supervision.delay},
      context_.self.clock().now());
  if (!delay || limits.strategy == config::restart_strategy::one_for_all) return false;
  context_.self.delayed_send(&context_.self, *delay, spawn_due::value, position);
  if (limits.strategy == config::restart_strategy::rest_for_one)
    for (auto later = position + 1; later < context_.entries.size(); ++later)
      if (context_.has_live_actor(context_.entries[later]))
        dismiss(context_.actor_of(context_.entries[later]));
  return true;
}

void specialist_supervisor::take_back_tasks(specialist_entry& entry) {
  for (auto& job : std::exchange(entry.dispatched, {})) {
    entry.breaker.forget();
    // The journal gives the task back to this department.
    if (job->location.load() == task_location::journal) continue;
    if (is_claimed(*job)) continue;
    if (job->state.load() == task_state::running) {
      retries_.on_actor_lost(entry, std::move(job), "the specialist's actor was lost");
    } else {
      job->phase = task_phase::wanted;
      entry.queue.push_front(std::move(job));
    }
  }
}

config::restart specialist_supervisor::restart_limits() const {
  const auto& current = context_.catalog_now();
  const auto& departments = current.config.departments;
  const auto& name = current.departments[context_.index];
  const auto found = std::ranges::find(departments, name, &config::department::name);
  return found == departments.end() ? config::restart{} : found->restart;
}

}  // namespace greenroom::actors
