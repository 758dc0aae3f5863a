// The alert rules, with all thresholds of the monitor.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/monitoring/pool_sample.hpp"

namespace greenroom::runtime::monitoring {

enum class severity : std::uint8_t { info, warning, critical };
std::string_view name_of(severity what);

enum class side : std::uint8_t { above, below };

/// A measured rule is breached while its value is strictly beyond `threshold`; the alert is pending
/// for `hold_s` of breach and fires after that. It is resolved when the value has been at
/// `clear_at` or better for `keep_s`; values between the two change nothing, which prevents
/// flapping. An event rule has no metric and fires at once.
struct alert_rule {
  std::string name;  ///< Stable, kebab-case: `memory-critical`.
  severity level = severity::warning;
  std::optional<metric> what;  ///< Nothing: an event rule.
  side when = side::above;
  double threshold = 0;
  double clear_at = 0;
  double hold_s = 30;
  double keep_s = 60;           ///< Of an event rule: how long it lasts after the last event.
  std::uint64_t tasks_min = 0;  ///< Evaluated only on samples with at least this many ended tasks.
  std::string text;             ///< What it means, for operators.

  bool breached(double value) const {
    return when == side::above ? value > threshold : value < threshold;
  }
  bool clear(double value) const {
    return when == side::above ? value <= clear_at : value >= clear_at;
  }
};

/// For an event rule that lasts until `alert_book::settle`.
constexpr double until_settled_s = std::numeric_limits<double>::infinity();

constexpr std::string_view rollback_triggered = "rollback-triggered";
constexpr std::string_view journal_damaged = "journal-damaged";
constexpr std::string_view workflow_detected = "workflow-detected";
constexpr std::string_view self_tuning_adjustment = "self-tuning-adjustment";
constexpr std::string_view task_stuck = "task-stuck";

constexpr std::string_view pinned_specialist_failed = "pinned-specialist-failed";
constexpr std::string_view important_specialist_failed = "high-priority-specialist-failed";
constexpr std::string_view circuit_open = "circuit-open";
constexpr std::string_view slow_start = "slow-start";
constexpr std::string_view fallback_route = "fallback-route";

/// The default rules, by severity:
/// critical: memory > 90 %, error rate > 10 %, queue depth > 25, response > 5000 ms, rollback,
///           and as a warning a damaged journal (an hour long);
/// warning: memory > 80 %, error rate > 5 %, hit rate < 40 %, response > 2500 ms, accuracy < 50 %,
/// cold starts > 30 %, queue depth > 20, and a task that waits for a slot while a worker is idle;
/// info: efficiency > 80 %, workflow detected, self-tuning, and the monitor's accuracy < 60 % and
///       response > 2000 ms. (The monitor's memory threshold of 80 % is the warning above.)
/// Event rules last as long as the monitor sees the condition: a pinned specialist failed
/// (critical); a high-priority specialist failed, a circuit is open, a start takes more than half
/// of its start_timeout (warnings); a specialist's tasks go to its fallback (info).
/// Hold of measured rules in check intervals: critical one, warning two, info four.
std::vector<alert_rule> default_alert_rules(double check_interval_s = 15);

}  // namespace greenroom::runtime::monitoring
