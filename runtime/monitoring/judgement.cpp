#include "runtime/monitoring/judgement.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace greenroom::runtime::monitoring {

namespace {

std::string rounded(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string as_percent(double share) { return rounded(share * 100, 1) + " %"; }

// The names of rules and factors contain their metric.
subject subject_of(std::string_view name) {
  const auto has = [&](std::string_view word) { return name.find(word) != std::string_view::npos; };
  if (has("memory")) return subject::memory;
  if (has("response") || has("queue") || has("slot")) return subject::performance;
  if (has("warm") || has("cold") || has("prediction") || has("start") || has("failed_specialists"))
    return subject::warming;
  return subject::errors;
}

std::string diagnose_verb(subject about) {
  return "greenroom diagnose " + std::string{name_of(about)};
}

std::string in_words(const health_factor& one) {
  if (one.name == "error_rate") return as_percent(one.value) + " of the latest tasks failed";
  if (one.name == "response_ratio")
    return "responses take " + rounded(one.value, 1) + " times as long as in the baseline pool";
  if (one.name == "response_mean_ms")
    return "the mean response time is " + rounded(one.value, 0) + " ms";
  if (one.name == "memory_use") return as_percent(one.value) + " of the memory budget is in use";
  if (one.name == "queue_depth") return rounded(one.value, 0) + " tasks wait";
  if (one.name == "failed_specialists")
    return as_percent(one.value) + " of the specialists could not be started";
  if (one.name == "warm_hit_rate") return "the warm hit rate is " + as_percent(one.value);
  if (one.name == "memory_efficiency") return "memory efficiency is " + as_percent(one.value);
  if (one.name == "prediction_accuracy")
    return "only " + as_percent(one.value) + " of the starts ahead of demand were used";
  return one.name + " is " + rounded(one.value, 2);
}

}  // namespace

std::string_view name_of(subject what) {
  constexpr std::array<std::string_view, 4> names{"memory", "warming", "errors", "performance"};
  return names[static_cast<std::size_t>(what)];
}

namespace {

reason reason_of(const health_factor& one, double score) {
  constexpr double much = 0.80;
  constexpr double too_low = 0.60;
  const auto level = one.factor > much ? severity::info
                     : score < too_low ? severity::critical
                                       : severity::warning;
  const auto about = subject_of(one.name);
  return {about, level, in_words(one) + " (health score × " + rounded(one.factor, 2) + ")",
          diagnose_verb(about)};
}

/// The reasons beside alerts and health factors.
void add_conditions(const node_evidence& seen, std::vector<reason>& reasons) {
  const auto add = [&](subject about, severity level, std::string text, std::string change) {
    reasons.push_back({about, level, std::move(text), std::move(change)});
  };
  if (seen.failed > 0) {
    add(subject::warming, severity::warning,
        seen.failed == 1 ? "1 specialist could not be started"
                         : std::to_string(seen.failed) + " specialists could not be started",
        "greenroom specialists --state failed names them, greenroom diagnose errors their errors");
  }
  if (seen.rolling_back)
    add(subject::errors, severity::critical, "a rollback is under way",
        "greenroom rollback status");
  if (seen.draining)
    add(subject::errors, severity::warning, "the node drains and takes no new tasks",
        "send traffic elsewhere until it is back");
  if (seen.blind)
    add(subject::performance, severity::warning,
        "nothing was measured for three check intervals (health_interval)",
        "the machine is overloaded or was suspended; see greenroom events");
  if (seen.journal_lost) {
    add(subject::errors, severity::critical, "the journal cannot be written",
        "is the disk full, or data_dir not writable? see greenroom events");
  }
  if (seen.collapsed) {
    add(subject::errors, severity::critical,
        "the node has collapsed: an actor died again and again", "restart it; the log says why");
  }
}

node_status status_of(const node_evidence& seen) {
  status_evidence counted;
  counted.health = seen.health.score;
  counted.rolling_back = seen.rolling_back;
  counted.draining = seen.draining;
  counted.blind = seen.blind;
  for (const auto& one : seen.firing) {
    if (one.level == severity::critical) ++counted.critical_alerts;
    if (one.level == severity::warning) ++counted.warning_alerts;
  }
  if (seen.journal_lost || seen.collapsed) return node_status::critical;
  const auto status = derive_status(counted);
  return seen.failed > 0 && status == node_status::healthy ? node_status::degraded : status;
}

}  // namespace

judgement judge_node(const node_evidence& seen) {
  judgement result;
  result.status = status_of(seen);
  result.health = seen.health.score;
  result.alerts = seen.firing.size();
  for (const auto& one : seen.firing) {
    const auto about = subject_of(one.rule);
    result.reasons.push_back({about, one.level,
                              "alert " + one.rule + " of " + one.subject + ": " + one.text,
                              diagnose_verb(about)});
  }
  for (const auto& one : seen.health.factors)
    if (one.factor < 1) result.reasons.push_back(reason_of(one, seen.health.score));
  add_conditions(seen, result.reasons);
  std::ranges::stable_sort(result.reasons, std::ranges::greater{}, &reason::level);
  return result;
}

}  // namespace greenroom::runtime::monitoring
