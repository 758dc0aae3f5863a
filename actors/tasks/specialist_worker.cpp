#include "actors/tasks/specialist_worker.hpp"

#include "actors/state/text.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace greenroom::actors {

void specialist_worker::enter(worker_state next) {
  state_ = next;
  record_.gauge.state.store(next, std::memory_order_relaxed);
}

bool specialist_worker::start() {
  if (state_ != worker_state::cold) return false;
  enter(worker_state::warming);
  start_begun_ns_ = parts_.clock.now_ns();
  probe_unanswered_ = false;
  machine::count(record_.gauge.starts);
  const auto& current = parts_.catalogs.now();
  const auto& backend = current.members[index_].config.backend;
  record_.definition.store(current.definitions[index_], std::memory_order_relaxed);
  worker_link::tool_listener tools;
  if (decided_by_tool(backend))
    tools = [offers = &parts_.offers, index = index_, from = backend](auto listed) {
      offers->learn(index, from, std::move(listed));
    };
  const auto& limits = current.config.limits;
  record_.link =
      std::make_shared<worker_link>(record_.port, record_.gauge, std::move(tools),
                                    worker_link::bounds{limits.output_bytes, limits.error_bytes});
  record_.worker = parts_.workers.make_worker(current.members[index_],
                                              current.department_of(index_), pool_, record_.link);
  record_.worker->start();
  return true;
}

std::optional<std::chrono::nanoseconds> specialist_worker::on_ready() {
  if (state_ != worker_state::warming) return std::nullopt;
  const auto took = parts_.clock.now_ns() - start_begun_ns_;
  machine::specialist_gauge::learn(record_.gauge.start_ns, std::max<std::int64_t>(took, 1));
  record_.gauge.pid.store(record_.worker->pid(), std::memory_order_relaxed);
  enter(worker_state::warm);
  return std::chrono::nanoseconds{took};
}

bool specialist_worker::stop() {
  if (state_ != worker_state::warm && state_ != worker_state::warming) return false;
  enter(worker_state::cooling);
  record_.worker->stop(me().config.backend.stop_timeout);
  return true;
}

void specialist_worker::stop_now() {
  enter(worker_state::cooling);
  record_.worker->stop(std::chrono::milliseconds{0});
}

std::optional<machine::worker_events::departure> specialist_worker::on_gone() {
  if (!record_.link) return std::nullopt;
  auto why = record_.link->exit_reason();
  record_.link->cut();
  record_.worker.reset();
  record_.link.reset();
  auto& gauge = record_.gauge;
  if (!why.asked) machine::count(gauge.crashes);
  record_.definition.store(0, std::memory_order_relaxed);
  gauge.pid.store(0, std::memory_order_relaxed);
  gauge.running.store(0, std::memory_order_relaxed);
  gauge.memory_bytes.store(0, std::memory_order_relaxed);
  enter(worker_state::cold);
  return why;
}

bool specialist_worker::probe() {
  if (std::exchange(probe_unanswered_, true)) {
    parts_.events.publish("worker.silent", json_object{{"specialist", me().config.name}});
    return false;
  }
  record_.worker->ping();
  return true;
}

void specialist_worker::show_running(std::size_t tasks) {
  record_.gauge.running.store(static_cast<std::uint32_t>(tasks), std::memory_order_relaxed);
  if (tasks == 1 && state_ == worker_state::warm)
    record_.gauge.state.store(worker_state::busy, std::memory_order_relaxed);
}

void specialist_worker::show_idle() {
  if (state_ == worker_state::warm)
    record_.gauge.state.store(worker_state::warm, std::memory_order_relaxed);
}

}  // namespace greenroom::actors
