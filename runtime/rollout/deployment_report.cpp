// The report as Markdown.
#include "runtime/rollout/deployment_report.hpp"

#include "protocols/base/time_text.hpp"
#include "runtime/monitoring/node_status.hpp"
#include "runtime/rollout/formatted.hpp"
#include "runtime/rollout/report_text.hpp"

namespace greenroom::runtime::rollout {

namespace {

/// A cell of a Markdown table: one line, no bar.
std::string markdown_cell(std::string_view text) {
  std::string out;
  for (const char each : text) {
    if (each == '|') {
      out += "\\|";
    } else if (each == '<') {
      out += "&lt;";
    } else {
      out += each == '\n' || each == '\r' ? ' ' : each;
    }
  }
  return out;
}

std::string markdown_of_shadow(const deployment_report& report) {
  std::string out = "\n## Shadow comparison\n\n" + summary_of(*report.shadow) + "\n";
  if (report.differences.empty()) return out;
  out +=
      "\n| specialist | field | differing | noise | certain |\n"
      "| --- | --- | ---: | ---: | --- |\n";
  for (const auto& each : report.differences) {
    out += "| " + markdown_cell(each.specialist) + " | " + markdown_cell(each.field) + " | "
           + std::to_string(each.differing) + " of " + std::to_string(each.compared) + " | "
           + std::to_string(each.noise_differing) + " of " + std::to_string(each.noise_compared)
           + " | " + (each.certain ? "yes" : "no") + " |\n";
  }
  return out;
}

std::string markdown_of_rollbacks(const std::vector<rollback_entry>& rollbacks) {
  std::string out = "\n## Rollbacks\n\n";
  if (rollbacks.empty()) out += "None.\n";
  for (const auto& each : rollbacks) {
    const auto& plan = each.plan;
    out += "### " + std::to_string(plan.id()) + ", " + std::string(name_of(plan.kind())) + ": "
           + std::string(name_of(plan.cause())) + "\n\n" + markdown_cell(plan.reason()) + "\n\n"
           + outcome_of(plan) + "\n\n- " + checklist(plan, "\n- ") + "\n";
    const auto lines = cause_lines(each.analysis);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      out += i == 0 ? "\n" + markdown_cell(lines[i]) + "\n\n"
                    : std::to_string(i) + ". " + markdown_cell(lines[i]) + "\n";
    }
  }
  return out;
}

}  // namespace

report_savings savings_of(const deployment_report& report) {
  report_savings out;
  const auto& a = report.before;
  const auto& b = report.after;
  if (a.memory_mb) out.usd_before = *a.memory_mb * report.usd_per_mb_month;
  if (b.memory_mb) out.usd_after = *b.memory_mb * report.usd_per_mb_month;
  if (a.memory_mb && b.memory_mb) {
    out.memory_saved_mb = *a.memory_mb - *b.memory_mb;
    out.usd_saved = *out.usd_before - *out.usd_after;
    if (*a.memory_mb > 0) out.memory_efficiency = 1 - *b.memory_mb / *a.memory_mb;
  }
  if (a.response_mean_ms && b.response_mean_ms) {
    out.response_added_ms = *b.response_mean_ms - *a.response_mean_ms;
    if (*a.response_mean_ms > 0) out.response_ratio = *b.response_mean_ms / *a.response_mean_ms;
  }
  return out;
}

std::string report_markdown(const deployment_report& report) {
  std::string out = "# Greenroom deployment report\n\n";
  out += "Node " + report.node + ", version " + report.version + ", profile " + report.profile
         + " with " + std::to_string(report.specialists) + " specialists. Period "
         + base::rfc3339_of_seconds(report.from_s) + " to " + base::rfc3339_of_seconds(report.to_s)
         + ", written " + base::rfc3339_of_seconds(report.made_at_s)
         + ".\n\nRollout: " + rollout_position(report) + ".\n\n**" + headline(report)
         + "**\n\n## Before and after\n\n";
  out += "| | always warm | intelligent | change |\n| --- | ---: | ---: | ---: |\n";
  for (const auto& each : comparison(report)) {
    out +=
        "| " + each.name + " | " + each.before + " | " + each.after + " | " + each.change + " |\n";
  }
  out += "\n## Quality\n\n" + quality_of(report) + "\n";
  if (report.shadow) out += markdown_of_shadow(report);
  out += markdown_of_rollbacks(report.rollbacks);
  out += "\n## Alerts\n\n";
  if (report.alerts.empty()) out += "None.\n";
  for (const auto& each : report.alerts) {
    out += "- " + base::rfc3339_of_seconds(each.firing_since_s) + " "
           + std::string(monitoring::name_of(each.level)) + " " + each.rule + ": "
           + markdown_cell(each.text) + " (" + std::string(monitoring::name_of(each.state)) + ")\n";
  }
  out +=
      "\n## Decisions\n\n| at | decision | phase | % | why |\n| --- | --- | --- | ---: | --- |\n";
  for (const auto& each : report.decisions) {
    out += "| " + base::rfc3339_of_seconds(each.at_s) + " | " + std::string(name_of(each.kind))
           + " | " + std::string(name_of(each.where)) + " | " + text_of("%.4g", each.percentage)
           + " | " + markdown_cell(each.reason) + " |\n";
  }
  return out;
}

}  // namespace greenroom::runtime::rollout
