#include "runtime/monitoring/alert_rules.hpp"

#include <cassert>
#include <utility>

namespace greenroom::runtime::monitoring {

std::string_view name_of(severity what) {
  switch (what) {
    case severity::info: return "info";
    case severity::warning: return "warning";
    case severity::critical: return "critical";
  }
  return "unknown";
}

namespace {

// Rates over a few tasks are noise; ten are enough for the thresholds below.
constexpr std::uint64_t some_tasks = 10;
constexpr double an_hour_s = 3600;

class rule_list {
public:
  explicit rule_list(double check_interval_s) : check_interval_s_{check_interval_s} {}

  void measured(const char* name, severity level, metric what, side when, double threshold,
                double clear_at, std::uint64_t tasks_min, const char* text) {
    const double holds = level == severity::critical ? 1 : (level == severity::warning ? 2 : 4);
    rules_.push_back({name, level, what, when, threshold, clear_at, holds * check_interval_s_,
                      4 * check_interval_s_, tasks_min, text});
  }

  void event(std::string_view name, severity level, double keep_s, const char* text) {
    alert_rule rule;
    rule.name = name;
    rule.level = level;
    rule.hold_s = 0;
    rule.keep_s = keep_s;
    rule.text = text;
    rules_.push_back(std::move(rule));
  }

  [[nodiscard]] double check_interval_s() const { return check_interval_s_; }
  [[nodiscard]] std::vector<alert_rule> take() { return std::move(rules_); }

private:
  double check_interval_s_;
  std::vector<alert_rule> rules_;
};

void add_critical_rules(rule_list& to) {
  using enum metric;
  using enum severity;
  using enum side;
  to.measured("memory-critical", critical, memory_use, above, 0.90, 0.87, 0,
              "more than 90 % of the memory limit is used");
  to.measured("error-rate-critical", critical, error_rate, above, 0.10, 0.08, some_tasks,
              "more than 10 % of the tasks fail");
  to.measured("queue-depth-critical", critical, queue_depth, above, 25, 20, 0,
              "more than 25 tasks wait");
  to.measured("response-time-critical", critical, response_mean_ms, above, 5000, 4500, 0,
              "the mean response time is above 5 s");
  to.event(rollback_triggered, critical, until_settled_s, "a rollback was triggered");
  to.event(pinned_specialist_failed, critical, until_settled_s, "a pinned specialist has failed");
  to.event(journal_damaged, warning, an_hour_s, "the journal was damaged, missing or foreign");
}

void add_warnings(rule_list& to) {
  using enum metric;
  using enum severity;
  using enum side;
  to.measured("memory-warning", warning, memory_use, above, 0.80, 0.77, 0,
              "more than 80 % of the memory limit is used");
  to.measured("error-rate-warning", warning, error_rate, above, 0.05, 0.04, some_tasks,
              "more than 5 % of the tasks fail");
  to.measured("warm-hit-rate-warning", warning, warm_hit_rate, below, 0.40, 0.45, some_tasks,
              "fewer than 40 % of the tasks find their specialist warm");
  to.measured("response-time-warning", warning, response_mean_ms, above, 2500, 2250, 0,
              "the mean response time is above 2.5 s");
  to.measured("prediction-accuracy-warning", warning, prediction_accuracy, below, 0.50, 0.53, 0,
              "fewer than 50 % of the predictions come true");
  to.measured("cold-start-rate-warning", warning, cold_start_rate, above, 0.30, 0.27, some_tasks,
              "more than 30 % of the tasks wait for a start");
  to.measured("queue-depth-warning", warning, queue_depth, above, 20, 15, 0,
              "more than 20 tasks wait");
  to.event(task_stuck, warning, 4 * to.check_interval_s(),
           "a task waits for a slot while one is idle");

  to.event(important_specialist_failed, warning, until_settled_s,
           "a specialist of high priority has failed");
  to.event(circuit_open, warning, until_settled_s, "a circuit is open");
  to.event(slow_start, warning, until_settled_s,
           "a start takes more than half of its start_timeout");
}

void add_information(rule_list& to) {
  using enum metric;
  using enum severity;
  using enum side;
  to.measured("prediction-accuracy-low", info, prediction_accuracy, below, 0.60, 0.63, 0,
              "fewer than 60 % of the predictions come true");
  to.measured("response-time-high", info, response_mean_ms, above, 2000, 1800, 0,
              "the mean response time is above 2 s");
  to.measured("memory-efficiency-high", info, memory_efficiency, above, 0.80, 0.78, 0,
              "more than 80 % of the always-warm memory is saved");
  to.event(fallback_route, info, until_settled_s, "tasks go to a fallback");
  to.event(workflow_detected, info, 4 * to.check_interval_s(),
           "a workflow was detected in the tasks");
  to.event(self_tuning_adjustment, info, 4 * to.check_interval_s(),
           "the pool adjusted its own limits");
}

}  // namespace

std::vector<alert_rule> default_alert_rules(double check_interval_s) {
  assert(check_interval_s > 0);
  rule_list rules{check_interval_s};
  add_critical_rules(rules);
  add_warnings(rules);
  add_information(rules);
  return rules.take();
}

}  // namespace greenroom::runtime::monitoring
