#include "runtime/rollout/report_text.hpp"

#include <cmath>
#include <cstdio>
#include <optional>

#include "runtime/rollout/formatted.hpp"

namespace greenroom::runtime::rollout {

namespace {

std::string shown(const char* format, std::optional<double> value, double times = 1) {
  if (!value) return "not measured";
  char text[64];
// The formats are the literals of the tables below.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  std::snprintf(text, sizeof text, format, *value * times);
#pragma GCC diagnostic pop
  return text;
}

std::optional<double> difference(std::optional<double> before, std::optional<double> after) {
  if (!before || !after) return std::nullopt;
  return *after - *before;
}

std::string duration_of(const rollback_plan& plan) {
  const auto seconds = plan.duration_s();
  if (!seconds) return "not finished";
  return text_of("%.2f s (%s the budget)", *seconds, plan.within_budget() ? "within" : "over");
}

}  // namespace

std::vector<report_row> comparison(const deployment_report& report) {
  const auto& a = report.before;
  const auto& b = report.after;
  const auto saved = savings_of(report);
  const auto pair = [](const char* name, const char* format, const char* change_format,
                       std::optional<double> before, std::optional<double> after,
                       double times = 1) {
    return report_row{
        name, shown(format, before, times), shown(format, after, times),
        before && after ? shown(change_format, difference(before, after), times) : "–"};
  };
  return {
      pair("Memory, mean", "%.1f MB", "%+.1f MB", a.memory_mb, b.memory_mb),
      {"Cost of that memory", shown("%.2f USD/month", saved.usd_before),
       shown("%.2f USD/month", saved.usd_after),
       saved.usd_saved ? shown("%+.2f USD/month", -*saved.usd_saved) : "–"},
      pair("Specialists warm, mean", "%.1f", "%+.1f", a.warm_mean, b.warm_mean),
      pair("Response, mean", "%.1f ms", "%+.1f ms", a.response_mean_ms, b.response_mean_ms),
      pair("Response, p50", "%.1f ms", "%+.1f ms", a.response_p50_ms, b.response_p50_ms),
      pair("Response, p95", "%.1f ms", "%+.1f ms", a.response_p95_ms, b.response_p95_ms),
      pair("Response, p99", "%.1f ms", "%+.1f ms", a.response_p99_ms, b.response_p99_ms),
      pair("Error rate", "%.2f %%", "%+.2f points", a.error_rate, b.error_rate, 100),
      pair("Warm hits", "%.1f %%", "%+.1f points", a.warm_hit_rate, b.warm_hit_rate, 100),
      {"Tasks", std::to_string(a.tasks), std::to_string(b.tasks), "–"},
      {"Cold starts", std::to_string(a.cold_starts), std::to_string(b.cold_starts), "–"},
  };
}

std::string headline(const deployment_report& report) {
  const auto saved = savings_of(report);
  std::string out;
  if (saved.memory_saved_mb && saved.memory_efficiency && saved.usd_saved) {
    out += text_of("%.1f MB saved (%.1f %%), %.2f USD a month at %.2f USD per MB-month. ",
                   *saved.memory_saved_mb, 100 * *saved.memory_efficiency, *saved.usd_saved,
                   report.usd_per_mb_month);
  } else {
    out += "There is not enough data yet to compare memory: both pools have to be seen at work. ";
  }
  if (saved.response_added_ms) {
    out += text_of("A response takes %.1f ms %s on average. ", std::abs(*saved.response_added_ms),
                   *saved.response_added_ms < 0 ? "less" : "more");
  } else {
    out += "There are too few tasks yet to compare response times. ";
  }
  return out + "Tasks: " + report.ledger.text + ".";
}

std::string quality_of(const deployment_report& report) {
  const auto share = [](const std::optional<double>& value) {
    return value ? text_of("%.2f %%", 100 * *value) : std::string{"not measured"};
  };
  const auto& quality = report.quality;
  return "Since the node started: availability " + share(quality.availability)
         + ", prediction accuracy " + share(quality.prediction_accuracy) + ", workflow detection "
         + share(quality.workflow_detection) + ".";
}

std::string rollout_position(const deployment_report& report) {
  return std::string(name_of(report.at)) + ", " + std::string(name_of(report.stands)) + ", routing "
         + std::string(name_of(report.routes)) + text_of(" at %.4g %%", report.percentage);
}

std::string summary_of(const shadow_summary& shadow) {
  return std::to_string(shadow.mirrored) + " tasks mirrored, " + std::to_string(shadow.dropped)
         + " not, " + std::to_string(shadow.compared) + " outputs compared, "
         + std::to_string(shadow.really_differing) + " differ beyond the baseline's own noise.";
}

std::string outcome_of(const rollback_plan& plan) {
  return "State " + std::string(name_of(plan.state())) + ", took " + duration_of(plan) + "; "
         + std::to_string(plan.requeued()) + " tasks re-queued, " + std::to_string(plan.drained())
         + " finished, " + std::to_string(plan.fenced()) + " cut off and run again.";
}

std::string checklist(const rollback_plan& plan, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < check_count; ++i) {
    if (i > 0) out += separator;
    out += std::string(name_of(static_cast<check>(i))) + ": "
           + std::string(name_of(plan.checks()[i].state));
  }
  return out;
}

}  // namespace greenroom::runtime::rollout
