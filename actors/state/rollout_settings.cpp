#include "actors/state/rollout_settings.hpp"

#include "actors/state/units.hpp"

#include <algorithm>

namespace greenroom::actors {

namespace {

// An interval of nothing would be a busy loop, and a division by it no number.
constexpr double interval_min_s = 0.001;

double or_else(std::chrono::milliseconds wanted, std::chrono::milliseconds usual) {
  return seconds_of(wanted.count() > 0 ? wanted : usual);
}

}  // namespace

double slack_of(const config::node& from) {
  return 1000 * seconds_of(from.rollout.criteria.response_slack);
}

runtime::rollout::rollout_settings settings_of(const config::node& from) {
  const auto& said = from.rollout;
  runtime::rollout::rollout_settings result;
  result.check_interval_s = std::max(seconds_of(said.check_interval), interval_min_s);
  result.shadow_hold_s = seconds_of(said.shadow_hold);
  result.step_hold_s = seconds_of(said.step_hold);
  result.full_hold_s = or_else(said.full_hold, said.step_hold);
  result.optimization_hold_s = or_else(said.optimization_hold, said.step_hold);
  result.hold_limit_s = seconds_of(said.hold_limit);
  result.confirm = {said.confirm.leave_shadow, said.confirm.raise_percentage, said.confirm.go_full,
                    said.confirm.complete};
  auto& wanted = result.wanted;
  wanted.min_samples = said.min_samples;
  wanted.min_latency_samples = said.min_samples;
  wanted.min_control = std::min<std::uint64_t>(wanted.min_control, said.min_samples);
  wanted.memory_efficiency = said.criteria.memory_efficiency;
  wanted.error_rate = said.criteria.error_rate;
  wanted.response_ratio = said.criteria.response_ratio;
  wanted.response_slack_ms = slack_of(from);
  using config::rollback_automatic;
  using runtime::rollout::automation;
  result.automatic = from.rollback.automatic == rollback_automatic::yes  ? automation::on
                     : from.rollback.automatic == rollback_automatic::no ? automation::off
                                                                         : automation::ask;
  result.intelligent_node = from.pool.mode == config::pool_mode::intelligent;
  return result;
}

runtime::rollout::rollback_thresholds thresholds_of(const config::node& from) {
  const auto& said = from.rollback;
  runtime::rollout::rollback_thresholds result;
  result.error_rate = said.error_rate;
  result.response_ratio = said.response_ratio;
  result.memory_use = said.memory_use;
  result.memory_efficiency = said.memory_efficiency;
  result.health = said.health;
  result.critical_alerts_s = seconds_of(said.critical_alerts);
  result.success_rate = said.success_rate;
  result.worker_memory = said.worker_memory;
  result.tasks_min = said.min_samples;
  result.grace_s = seconds_of(from.rollout.grace);
  return result;
}

runtime::rollout::rollback_settings way_back_of(const config::node& from) {
  runtime::rollout::rollback_settings result;
  const auto usual = result.drain_s;
  result.drain_s = seconds_of(from.rollback.drain);
  // Fencing has as long as it has after the usual time to drain; the rest is for the checks.
  result.fence_s += result.drain_s - usual;
  result.requeue_s = std::min(result.requeue_s, result.drain_s);
  result.planned_drain_s = seconds_of(from.rollback.planned_drain);
  result.lower_hold_s = seconds_of(from.rollback.lower_hold);
  return result;
}

}  // namespace greenroom::actors
