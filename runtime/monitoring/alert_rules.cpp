#include "runtime/monitoring/alert_rules.hpp"

#include <cassert>

namespace greenroom::runtime::monitoring {

std::string_view name_of(severity what) {
  switch (what) {
    case severity::info: return "info";
    case severity::warning: return "warning";
    case severity::critical: return "critical";
  }
  return "unknown";
}

std::vector<alert_rule> default_alert_rules(double check_interval_s) {
  assert(check_interval_s > 0);
  // Rates over a few tasks are noise; ten are enough for the thresholds below.
  constexpr std::uint64_t some_tasks = 10;
  constexpr double an_hour_s = 3600;
  std::vector<alert_rule> rules;
  const auto measured = [&](const char* name, severity level, metric what, side when,
                            double threshold, double clear_at, std::uint64_t tasks_min,
                            const char* text) {
    const double holds = level == severity::critical ? 1 : (level == severity::warning ? 2 : 4);
    rules.push_back({name, level, what, when, threshold, clear_at, holds * check_interval_s,
                     4 * check_interval_s, tasks_min, text});
  };
  const auto event = [&](std::string_view name, severity level, double keep_s, const char* text) {
    alert_rule rule;
    rule.name = name;
    rule.level = level;
    rule.hold_s = 0;
    rule.keep_s = keep_s;
    rule.text = text;
    rules.push_back(std::move(rule));
  };
  using enum metric;
  constexpr auto critical = severity::critical;
  constexpr auto warning = severity::warning;
  constexpr auto info = severity::info;
  constexpr auto above = side::above;
  constexpr auto below = side::below;

  measured("memory-critical", critical, memory_use, above, 0.90, 0.87, 0,
           "more than 90 % of the memory limit is used");
  measured("error-rate-critical", critical, error_rate, above, 0.10, 0.08, some_tasks,
           "more than 10 % of the tasks fail");
  measured("queue-depth-critical", critical, queue_depth, above, 25, 20, 0,
           "more than 25 tasks wait");
  measured("response-time-critical", critical, response_mean_ms, above, 5000, 4500, 0,
           "the mean response time is above 5 s");
  event(rollback_triggered, critical, until_settled_s, "a rollback was triggered");
  event(pinned_specialist_failed, critical, until_settled_s, "a pinned specialist has failed");
  event(journal_damaged, warning, an_hour_s, "the journal was damaged, missing or foreign");

  measured("memory-warning", warning, memory_use, above, 0.80, 0.77, 0,
           "more than 80 % of the memory limit is used");
  measured("error-rate-warning", warning, error_rate, above, 0.05, 0.04, some_tasks,
           "more than 5 % of the tasks fail");
  measured("warm-hit-rate-warning", warning, warm_hit_rate, below, 0.40, 0.45, some_tasks,
           "fewer than 40 % of the tasks find their specialist warm");
  measured("response-time-warning", warning, response_mean_ms, above, 2500, 2250, 0,
           "the mean response time is above 2.5 s");
  measured("prediction-accuracy-warning", warning, prediction_accuracy, below, 0.50, 0.53, 0,
           "fewer than 50 % of the predictions come true");
  measured("cold-start-rate-warning", warning, cold_start_rate, above, 0.30, 0.27, some_tasks,
           "more than 30 % of the tasks wait for a start");
  measured("queue-depth-warning", warning, queue_depth, above, 20, 15, 0,
           "more than 20 tasks wait");
  event(task_stuck, warning, 4 * check_interval_s, "a task waits for a slot while one is idle");

  event(important_specialist_failed, warning, until_settled_s,
        "a specialist of high priority has failed");
  event(circuit_open, warning, until_settled_s, "a circuit is open");
  event(slow_start, warning, until_settled_s, "a start takes more than half of its start_timeout");

  measured("prediction-accuracy-low", info, prediction_accuracy, below, 0.60, 0.63, 0,
           "fewer than 60 % of the predictions come true");
  measured("response-time-high", info, response_mean_ms, above, 2000, 1800, 0,
           "the mean response time is above 2 s");
  measured("memory-efficiency-high", info, memory_efficiency, above, 0.80, 0.78, 0,
           "more than 80 % of the always-warm memory is saved");
  event(fallback_route, info, until_settled_s, "tasks go to a fallback");
  event(workflow_detected, info, 4 * check_interval_s, "a workflow was detected in the tasks");
  event(self_tuning_adjustment, info, 4 * check_interval_s, "the pool adjusted its own limits");
  return rules;
}

}  // namespace greenroom::runtime::monitoring
