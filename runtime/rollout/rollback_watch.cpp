#include "runtime/rollout/rollback_watch.hpp"

#include <algorithm>
#include <cstdio>

namespace greenroom::runtime::rollout {

namespace {

constexpr std::array all_triggers{trigger::error_rate,   trigger::response_time,
                                  trigger::memory_use,   trigger::memory_efficiency,
                                  trigger::health,       trigger::critical_alerts,
                                  trigger::success_rate, trigger::worker_memory,
                                  trigger::judge,        trigger::by_hand};

bool breached_above(trigger what) {
  return what == trigger::error_rate || what == trigger::response_time
         || what == trigger::memory_use || what == trigger::critical_alerts
         || what == trigger::worker_memory;
}

/// A limit of 0 switches these triggers off: any value would exceed it.
bool off_at_zero(trigger what) {
  return what == trigger::response_time || what == trigger::memory_use
         || what == trigger::worker_memory;
}

bool needs_tasks(trigger what) {
  return what == trigger::error_rate || what == trigger::response_time
         || what == trigger::success_rate;
}

}  // namespace

std::string_view name_of(trigger what) {
  switch (what) {
    case trigger::error_rate: return "error_rate";
    case trigger::response_time: return "response_time";
    case trigger::memory_use: return "memory_use";
    case trigger::memory_efficiency: return "memory_efficiency";
    case trigger::health: return "health";
    case trigger::critical_alerts: return "critical_alerts";
    case trigger::success_rate: return "success_rate";
    case trigger::worker_memory: return "worker_memory";
    case trigger::judge: return "judge";
    case trigger::by_hand: return "by_hand";
  }
  return "by_hand";
}

std::optional<trigger> trigger_named(std::string_view name) {
  for (const auto each : all_triggers) {
    if (name_of(each) == name) return each;
  }
  return std::nullopt;
}

rollback_watch::rollback_watch(rollback_thresholds limits) : limits_(limits) {}

void rollback_watch::arm(double now_s) {
  if (armed_) return;
  armed_ = true;
  last_sample_s_ = now_s;
  holds_ = {};
}

void rollback_watch::disarm() {
  armed_ = false;
  holds_ = {};
}

double rollback_watch::threshold_of(trigger what) const {
  switch (what) {
    case trigger::error_rate: return limits_.error_rate;
    case trigger::response_time: return limits_.response_ratio;
    case trigger::memory_use: return limits_.memory_use;
    case trigger::memory_efficiency: return limits_.memory_efficiency;
    case trigger::health: return limits_.health;
    case trigger::critical_alerts: return limits_.critical_alerts_s;
    case trigger::success_rate: return limits_.success_rate;
    case trigger::worker_memory: return limits_.worker_memory;
    case trigger::judge:
    case trigger::by_hand: break;
  }
  return 0;
}

double rollback_watch::grace_of(trigger what) const {
  return what == trigger::critical_alerts ? 0 : limits_.grace_s;
}

tripped rollback_watch::describe(trigger what, double now_s) const {
  const auto& held = holds_[static_cast<std::size_t>(what)];
  tripped out{what, held.value, threshold_of(what), *held.since_s, now_s, {}};
  char text[160];
  const auto name = std::string(name_of(what));
  if (what == trigger::critical_alerts) {
    std::snprintf(text, sizeof text, "a critical alert has lasted %.0f s, limit %.0f s", held.value,
                  out.threshold);
  } else if (what == trigger::response_time || what == trigger::worker_memory) {
    std::snprintf(text, sizeof text, "%s %.2f times the baseline's, more than %.2f for %.0f s",
                  name.c_str(), held.value, out.threshold, now_s - out.since_s);
  } else {
    std::snprintf(text, sizeof text, "%s %.1f %%, %s than %.1f %% for %.0f s", name.c_str(),
                  100 * held.value, breached_above(what) ? "more" : "less", 100 * out.threshold,
                  now_s - out.since_s);
  }
  out.text = text;
  return out;
}

std::optional<tripped> rollback_watch::observe(const monitoring::pool_sample& sample,
                                               std::optional<double> critical_since_s) {
  if (!armed_) return std::nullopt;
  const double now_s = std::max(sample.at_s, last_sample_s_);
  last_sample_s_ = now_s;
  const std::array<std::optional<double>, watched> values{
      sample.error_rate,
      sample.response_ratio,
      sample.memory_use,
      sample.memory_efficiency,
      sample.health,
      critical_since_s ? std::optional{std::max(0.0, now_s - *critical_since_s)} : 0.0,
      sample.success_rate,
      sample.worker_memory_ratio};
  std::optional<tripped> first;
  for (std::size_t i = 0; i < watched; ++i) {
    const auto what = all_triggers[i];
    auto& held = holds_[i];
    if (off_at_zero(what) && threshold_of(what) <= 0) {
      held = {};
      continue;
    }
    const auto value =
        needs_tasks(what) && sample.tasks < limits_.tasks_min ? std::nullopt : values[i];
    if (!value) {
      if (!held.absent_since_s) held.absent_since_s = now_s;
      if (now_s - *held.absent_since_s >= limits_.grace_s) held.since_s.reset();
      continue;
    }
    held.absent_since_s.reset();
    held.value = *value;
    const bool bad =
        breached_above(what) ? *value > threshold_of(what) : *value < threshold_of(what);
    if (!bad) {
      held.since_s.reset();
      continue;
    }
    if (!held.since_s) held.since_s = now_s;
    if (!first && now_s - *held.since_s >= grace_of(what)) first = describe(what, now_s);
  }
  if (first) armed_ = false;
  return first;
}

}  // namespace greenroom::runtime::rollout
