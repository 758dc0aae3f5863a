#include "actors/monitoring/stuck_tasks.hpp"

#include "actors/state/rollout_settings.hpp"
#include "actors/state/text.hpp"
#include "actors/state/units.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace greenroom::actors {

std::vector<runtime::monitoring::slot_view> stuck_tasks::views() const {
  const auto& catalog = parts_.catalogs.now();
  const auto now_ns = parts_.clock.now_ns();
  std::vector<runtime::monitoring::slot_view> result(catalog.members.size());
  for (std::uint32_t who = 0; who < result.size(); ++who) {
    const auto& member = catalog.members[who];
    const auto& record = parts_.pools.of(pool_).specialists[who];
    auto& view = result[who];
    view.department = member.department;
    if (member.gone) continue;
    const auto since_ns = record.slot_wanted_since_ns.load(std::memory_order_relaxed);
    if (since_ns > 0) view.waiting_s = static_cast<double>(now_ns - since_ns) * 1e-9;
    const auto state = record.gauge.state.load(std::memory_order_relaxed);
    const bool counts =
        !member.config.pin && member.config.backend.kind != config::backend_kind::function;
    view.up = counts && state != worker_state::cold && state != worker_state::failed;
    view.idle = view.up && state == worker_state::warm && record.gauge.depth() == 0;
    view.memory_mb = memory_mb_of(record.gauge, member.config.memory_mb);
    view.start_s =
        static_cast<double>(record.gauge.start_ns.load(std::memory_order_relaxed)) * 1e-9;
  }
  return result;
}

runtime::monitoring::slot_watch_limits stuck_tasks::limits() const {
  const auto& catalog = parts_.catalogs.now();
  const auto& from = catalog.config.pool;
  auto result = runtime::monitoring::slot_watch_limits{
      .slots = from.max_warm,
      .memory_budget_mb = from.memory_budget_mb,
      .min_residency_s = seconds_of(from.min_residency.value_or(std::chrono::seconds{2}))};
  const auto adapted =
      parts_.forecast.read([](const forecast_board::content& board) { return board.policy.slots; });
  if (pool_ == protocols::pool_kind::baseline)
    result.slots = catalog.members.size();
  else if (adapted > 0)
    result.slots = std::min(result.slots, adapted);  // The policy may have given slots up.
  return result;
}

stuck_tasks::findings stuck_tasks::look(double now_s) {
  auto& pool = parts_.pools.of(pool_);
  const auto& catalog = parts_.catalogs.now();
  const auto all = views();
  findings result;
  std::vector<std::uint32_t> found;
  for (const auto who : watch_.look(all, limits(), now_s))
    found.push_back(static_cast<std::uint32_t>(who));
  for (const auto who : found) {
    if (std::ranges::find(stuck_, who) != stuck_.end()) continue;
    machine::count(pool.stuck);
    const auto& name = catalog.members[who].config.name;
    const auto waited_ms = std::to_string(static_cast<std::int64_t>(all[who].waiting_s * 1e3));
    parts_.events.publish(
        "task.stuck", json_object{{"specialist", name}, {"pool", protocols::to_string(pool_)}}.raw(
                          "waited_ms", waited_ms));
    std::string text = name;
    text += " has waited for a slot for ";
    text += waited_ms;
    text += " ms while a slot is available; the slot was asked for again";
    result.alerts.push_back(std::move(text));
  }
  pool.stuck_now.store(found.size(), std::memory_order_relaxed);
  result.any = !found.empty();
  stuck_ = std::move(found);
  return result;
}

}  // namespace greenroom::actors
