#include "actors/tasks/specialist.hpp"

#include <utility>

namespace greenroom::actors {

using protocols::task_phase, protocols::task_ptr, protocols::worker_news;

specialist::specialist(caf::actor_config& cfg, const specialist_parts& parts, std::uint32_t index,
                       protocols::pool_kind pool, protocols::department_actor department)
    : draining_actor{cfg},
      unexpected_{parts.unexpected},
      catalogs_{parts.catalogs},
      index_{index},
      department_{std::move(department)},
      record_{parts.pools.of(pool).specialists[index]},
      worker_{{parts.clock, parts.catalogs, parts.events, parts.workers, parts.offers},
              record_,
              index,
              pool},
      tasks_{{parts.clock, parts.catalogs, parts.ending},
             *this,
             record_,
             parts.pools.of(pool).departments[parts.catalogs.now().members[index].department],
             index,
             worker_} {}

void specialist::drain() {
  auto& port = record_.port;
  do {
    const auto signals = port.take_signals();
    for (auto* next = port.take(); next != nullptr;) {
      auto* after = next->next.load(std::memory_order_relaxed);
      auto job = task_ptr::adopt(next);
      if (job->phase == task_phase::attempted)
        tasks_.on_result(std::move(job));
      else
        tasks_.accept(std::move(job));
      next = after;
    }
    if ((signals & worker_link::pong_bit) != 0) worker_.on_pong();
    if ((signals & worker_link::ready_bit) != 0) on_ready();
    // Last: results that came before it have been taken above.
    if ((signals & worker_link::gone_bit) != 0) on_worker_gone();
  } while (!port.try_sleep());
}

// -- the worker ---------------------------------------------------------------

void specialist::start_worker() {
  if (worker_.start()) tasks_.on_start();
}

void specialist::on_ready() {
  if (const auto took = worker_.on_ready())
    send(department_,
         worker_news{index_, worker_news::kind::ready, took->count(), false, false, {}});
}

void specialist::stop_worker() {
  if (!worker_.stop()) return;
  tasks_.return_waiting();
}

void specialist::on_worker_gone() {
  const auto why = worker_.on_gone();
  if (!why) return;
  tasks_.on_worker_gone(why->why);
  send(department_,
       worker_news{index_, worker_news::kind::gone, 0, why->asked, why->before_ready, why->why});
}

void specialist::drop_ended_tasks() {
  const auto grace = catalogs_.now().members[index_].config.backend.stop_timeout;
  const auto result = tasks_.drop_ended(grace);
  if (result.again) delayed_send(this, grace, protocols::drop_ended_tasks{});
  if (result.stop) stop_worker();
}

void specialist::give_back_tasks(bool fence) {
  tasks_.return_waiting();
  if (fence && tasks_.fence()) worker_.stop_now();
}

// -- behaviour ----------------------------------------------------------------

specialist::behavior_type specialist::make_behavior() {
  unexpected_.watch(this);
  record_.port.attach(caf::strong_actor_ptr{ctrl()});
  record_.port.mark_awake();
  drain();
  return {
      [this](const protocols::start_worker&) { start_worker(); },
      [this](const protocols::stop_worker&) { stop_worker(); },
      [this](const protocols::probe_worker&) {
        if (worker_.is_warm() && tasks_.is_idle() && !worker_.probe()) stop_worker();
      },
      [this](const protocols::drop_ended_tasks&) { drop_ended_tasks(); },
      [this](const protocols::give_back_tasks& how) { give_back_tasks(how.fence); },
  };
}

// The department has a list of the tasks that were here, and ends the worker.
void specialist::on_exit() {
  department_ = nullptr;
  tasks_.clear();
}

}  // namespace greenroom::actors
