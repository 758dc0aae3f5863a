#include "actors/tasks/department.hpp"

#include <utility>

namespace greenroom::actors {

using protocols::task_phase, protocols::task_ptr;

department::department(caf::actor_config& cfg, const department_parts& parts, std::uint32_t index,
                       protocols::pool_kind pool, protocols::director_actor director)
    : draining_actor{cfg}, context_{*this, parts, index, pool, std::move(director)} {
  context_.adopt_catalog = [this] { supervision_.adopt_catalog(); };
}

protocols::department_actor spawn_department(caf::local_actor& supervisor,
                                             const department_parts& parts, std::uint32_t index,
                                             protocols::pool_kind pool,
                                             protocols::director_actor director) {
  return supervisor.spawn<department, caf::linked>(parts, index, pool, std::move(director));
}

// -- tasks --------------------------------------------------------------------

void department::drain() {
  // Specialists of a former department may still hold tasks; `take_over_tasks` empties the port.
  if (!supervision_.is_open()) return;
  auto& port = context_.record().port;
  queues_.on_drain();
  do {
    for (auto* next = port.take(); next != nullptr;) {
      auto* after = next->next.load(std::memory_order_relaxed);
      take(task_ptr::adopt(next));
      next = after;
    }
    if ((port.take_signals() & local_department::due_bit) != 0) usage_.report();
  } while (!port.try_sleep());
}

void department::drain_now() {
  context_.record().port.mark_awake();
  drain();
}

void department::take(task_ptr job) {
  switch (job->phase) {
    case task_phase::wanted: return queues_.accept(std::move(job));
    case task_phase::attempted: return retries_.on_failed(std::move(job));
    case task_phase::over: return retries_.on_ended(std::move(job));
    case task_phase::returned: return retries_.on_returned(std::move(job));
    case task_phase::committed: return retries_.on_committed(std::move(job));
  }
}

void department::on_upkeep() {
  queues_.on_upkeep_due();
  const bool retries = retries_.upkeep();
  const bool queues = queues_.upkeep();
  if (retries || queues) queues_.arm_upkeep();
}

void department::on_purge(const protocols::purge& ended) {
  for (const auto specialist : ended.specialists)
    queues_.release_ended(context_.entry_of(specialist));
}

void department::leave_pool(bool fence) {
  if (!context_.is_leaving()) return;
  queues_.leave_pool(fence);
  retries_.leave_pool();
}

// -- the director -------------------------------------------------------------

void department::report_to(protocols::director_actor director) {
  context_.director = std::move(director);
  for (auto& entry : context_.entries) {
    usage_.mark(entry);
    slots_.report_state(entry);
  }
  usage_.report();
  queues_.request_all_again();
}

// -- supervision --------------------------------------------------------------

void department::take_over_tasks() {
  supervision_.open();
  drain_now();
  supervision_.recover_tasks();
}

void department::on_exit_message(const caf::exit_msg& message) {
  const auto lost = supervision_.position_of(message.source);
  if (!lost) {
    quit(message.reason ? message.reason : caf::error{caf::exit_reason::user_shutdown});
    return;
  }
  // The tasks that the specialist gave back before it died come first: then the list of dispatched
  // tasks is exact.
  drain_now();
  if (!supervision_.on_specialist_lost(*lost))
    quit(message.reason ? message.reason : caf::error{caf::exit_reason::unhandled_exception});
}

void department::on_spawn_due(std::uint32_t position) {
  auto& entry = context_.entries[position];
  if (!entry.has_actor) supervision_.spawn_specialist(position);
  queues_.dispatch_queued(entry);
}

void department::on_check_workers() {
  workers_.end_stuck_workers();
  workers_.probe_idle_workers();
}

// -- behaviour ----------------------------------------------------------------

department::behavior_type department::make_behavior() {
  context_.parts.unexpected.watch(this);
  set_exit_handler([this](const caf::exit_msg& message) { on_exit_message(message); });
  set_down_handler([this](const caf::down_msg&) {
    if (supervision_.on_former_specialist_down()) take_over_tasks();
  });
  supervision_.adopt_catalog();
  if (supervision_.end_former_specialists()) take_over_tasks();
  context_.record().port.attach(caf::strong_actor_ptr{ctrl()});
  if (supervision_.is_open()) drain_now();
  return {
      [this](const protocols::slot_grant& slot) {
        auto& entry = context_.entry_of(slot.specialist);
        if (slots_.on_grant(entry, slot)) queues_.dispatch_queued(entry);
      },
      [this](const protocols::slot_recall& slot) {
        auto& entry = context_.entry_of(slot.specialist);
        if (slots_.on_recall(entry, slot)) queues_.dispatch_queued(entry);
      },
      [this](const protocols::report_state& to) { report_to(to.director); },
      [this](const protocols::worker_news& news) {
        workers_.on_news(context_.entry_of(news.specialist), news);
      },
      [this](const protocols::purge& ended) { on_purge(ended); },
      [this](const protocols::hand_over_tasks& how) { leave_pool(how.fence); },
      [this](const protocols::check_workers&) { on_check_workers(); },
      [this](const protocols::settings_changed&) { supervision_.adopt_catalog(); },
      [this](upkeep_due) { on_upkeep(); },
      [this](requests_due) { queues_.renew_requests(); },
      [this](usage_due) { usage_.report(); },
      [this](spawn_due, std::uint32_t position) { on_spawn_due(position); },
  };
}

// A pending timer keeps the object alive, so the tasks are released now.
void department::on_exit() {
  context_.record().port.attach({});
  context_.entries.clear();
  retries_.clear();
  context_.director = nullptr;
}

}  // namespace greenroom::actors
