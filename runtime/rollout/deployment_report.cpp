// The report as Markdown and as an HTML page.
#include "runtime/rollout/deployment_report.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "protocols/base/time_text.hpp"
#include "runtime/monitoring/node_status.hpp"
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

struct row {
  std::string name;
  std::string before;
  std::string after;
  std::string change;
};

std::vector<row> comparison(const deployment_report& report) {
  const auto& a = report.before;
  const auto& b = report.after;
  const auto saved = savings_of(report);
  const auto pair = [](const char* name, const char* format, const char* change_format,
                       std::optional<double> before, std::optional<double> after,
                       double times = 1) {
    return row{name, shown(format, before, times), shown(format, after, times),
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

std::string place(const deployment_report& report) {
  return std::string(name_of(report.at)) + ", " + std::string(name_of(report.stands)) + ", routing "
         + std::string(name_of(report.routes)) + text_of(" at %.4g %%", report.percentage);
}

std::string took(const rollback_plan& plan) {
  const auto seconds = plan.duration_s();
  if (!seconds) return "not finished";
  return text_of("%.2f s (%s the budget)", *seconds, plan.within_budget() ? "within" : "over");
}

/// A cell of a Markdown table: one line, no bar.
std::string cell(std::string_view text) {
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

std::string checklist(const rollback_plan& plan, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < check_count; ++i) {
    if (i > 0) out += separator;
    out += std::string(name_of(static_cast<check>(i))) + ": "
           + std::string(name_of(plan.checks()[i].state));
  }
  return out;
}

constexpr const char* style =
    "<style>:root{color-scheme:light dark;--ink:#1c2321;--soft:#5d6b66;--line:#d7dfdb;"
    "--paper:#fff;--band:#f3f7f5;--a:#8a9a94;--b:#0a7d55;--c:#b4531a;--d:#2b5f9e;--e:#7a3d8f;"
    "--f:#8a7a10}@media(prefers-color-scheme:dark){:root{--ink:#e7efeb;--soft:#9fb0a9;"
    "--line:#33403b;--paper:#141a18;--band:#1c2522;--a:#9aa9a3;--b:#37c48e;--c:#e98a4f;"
    "--d:#6fa8ea;--e:#c58ad8;--f:#d6c24a}}"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
    "max-width:60rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.6rem;margin-bottom:.2rem}"
    "h2{font-size:1.15rem;margin-top:2.2rem}p.where{color:var(--soft);margin-top:0}"
    "p.head{font-size:1.1rem;background:var(--band);padding:.8rem 1rem;border-radius:.4rem}"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);"
    "vertical-align:top}td.n,th.n{text-align:right;white-space:nowrap}"
    ".wide{overflow-x:auto}svg{width:100%;height:auto;margin:.6rem 0}"
    ".chart-title{font:600 13px system-ui;fill:var(--ink)}.axis{font:11px system-ui;"
    "fill:var(--soft)}.grid{stroke:var(--line)}.mark{stroke:var(--soft);stroke-dasharray:2 3}"
    ".mark-text{font:10px "
    "system-ui;fill:var(--soft)}.line{fill:none;stroke-width:2}.l0{stroke:var(--a)}.l1{stroke:var(-"
    "-b)}.l2{stroke:var(--c)}"
    ".l3{stroke:var(--d)}.l4{stroke:var(--e)}.l5{stroke:var(--f)}"
    "@media print{body{margin:0;max-width:none}}</style>";

template <std::size_t N>
std::string html_row(const std::array<std::string, N>& cells, const char* tag,
                     std::size_t numbers_from = N) {
  std::string out = "<tr>";
  for (std::size_t i = 0; i < N; ++i) {
    out += "<" + std::string(tag) + (i >= numbers_from ? " class=\"n\">" : ">")
           + escaped_for_html(cells[i]) + "</" + tag + ">";
  }
  return out + "</tr>";
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
         + ", written " + base::rfc3339_of_seconds(report.made_at_s) + ".\n\nRollout: "
         + place(report) + ".\n\n**" + headline(report) + "**\n\n## Before and after\n\n";
  out += "| | always warm | intelligent | change |\n| --- | ---: | ---: | ---: |\n";
  for (const auto& each : comparison(report)) {
    out +=
        "| " + each.name + " | " + each.before + " | " + each.after + " | " + each.change + " |\n";
  }
  out += "\n## Quality\n\n" + quality_of(report) + "\n";
  if (report.shadow) {
    const auto& shadow = *report.shadow;
    out += "\n## Shadow comparison\n\n" + std::to_string(shadow.mirrored) + " tasks mirrored, "
           + std::to_string(shadow.dropped) + " not, " + std::to_string(shadow.compared)
           + " outputs compared, " + std::to_string(shadow.really_differing)
           + " differ beyond the baseline's own noise.\n";
    if (!report.differences.empty()) {
      out +=
          "\n| specialist | field | differing | noise | certain |\n"
          "| --- | --- | ---: | ---: | --- |\n";
      for (const auto& each : report.differences) {
        out += "| " + cell(each.specialist) + " | " + cell(each.field) + " | "
               + std::to_string(each.differing) + " of " + std::to_string(each.compared) + " | "
               + std::to_string(each.noise_differing) + " of " + std::to_string(each.noise_compared)
               + " | " + (each.certain ? "yes" : "no") + " |\n";
      }
    }
  }
  out += "\n## Rollbacks\n\n";
  if (report.rollbacks.empty()) out += "None.\n";
  for (const auto& each : report.rollbacks) {
    const auto& plan = each.plan;
    out += "### " + std::to_string(plan.id()) + ", " + std::string(name_of(plan.kind())) + ": "
           + std::string(name_of(plan.cause())) + "\n\n" + cell(plan.reason()) + "\n\nState "
           + std::string(name_of(plan.state())) + ", took " + took(plan) + "; "
           + std::to_string(plan.requeued()) + " tasks re-queued, " + std::to_string(plan.drained())
           + " finished, " + std::to_string(plan.fenced()) + " cut off and run again.\n\n- "
           + checklist(plan, "\n- ") + "\n";
    const auto lines = cause_lines(each.analysis);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      out += i == 0 ? "\n" + cell(lines[i]) + "\n\n"
                    : std::to_string(i) + ". " + cell(lines[i]) + "\n";
    }
  }
  out += "\n## Alerts\n\n";
  if (report.alerts.empty()) out += "None.\n";
  for (const auto& each : report.alerts) {
    out += "- " + base::rfc3339_of_seconds(each.firing_since_s) + " "
           + std::string(monitoring::name_of(each.level)) + " " + each.rule + ": " + cell(each.text)
           + " (" + std::string(monitoring::name_of(each.state)) + ")\n";
  }
  out +=
      "\n## Decisions\n\n| at | decision | phase | % | why |\n| --- | --- | --- | ---: | --- |\n";
  for (const auto& each : report.decisions) {
    out += "| " + base::rfc3339_of_seconds(each.at_s) + " | " + std::string(name_of(each.kind))
           + " | " + std::string(name_of(each.where)) + " | " + text_of("%.4g", each.percentage)
           + " | " + cell(each.reason) + " |\n";
  }
  return out;
}

std::string report_html(const deployment_report& report) {
  std::string out =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<title>Greenroom deployment report</title>";
  out += style;
  out += "</head><body><main><h1>Greenroom deployment report</h1><p class=\"where\">"
         + escaped_for_html("Node " + report.node + ", version " + report.version + ", profile "
                            + report.profile + " with " + std::to_string(report.specialists)
                            + " specialists. " + base::rfc3339_of_seconds(report.from_s) + " to "
                            + base::rfc3339_of_seconds(report.to_s) + ". Rollout: " + place(report)
                            + ".")
         + "</p><p class=\"head\">" + escaped_for_html(headline(report)) + "</p>";
  out += "<h2>Before and after</h2><div class=\"wide\"><table><thead>"
         + html_row<4>({"", "always warm", "intelligent", "change"}, "th", 1) + "</thead><tbody>";
  for (const auto& each : comparison(report)) {
    out += html_row<4>({each.name, each.before, each.after, each.change}, "td", 1);
  }
  out +=
      "</tbody></table></div><h2>Quality</h2><p>" + escaped_for_html(quality_of(report)) + "</p>";
  if (!report.charts.empty()) out += "<h2>Over time</h2>";
  for (const auto& each : report.charts) out += svg_of(each);
  if (report.shadow) {
    const auto& shadow = *report.shadow;
    out += "<h2>Shadow comparison</h2><p>"
           + escaped_for_html(std::to_string(shadow.mirrored) + " tasks mirrored, "
                              + std::to_string(shadow.dropped) + " not, "
                              + std::to_string(shadow.compared) + " outputs compared, "
                              + std::to_string(shadow.really_differing)
                              + " differ beyond the baseline's own noise.")
           + "</p>";
    if (!report.differences.empty()) {
      out += "<div class=\"wide\"><table><thead>"
             + html_row<5>({"specialist", "field", "certain", "differing", "noise"}, "th", 3)
             + "</thead><tbody>";
      for (const auto& each : report.differences) {
        out += html_row<5>(
            {each.specialist, each.field, each.certain ? "yes" : "no",
             std::to_string(each.differing) + " of " + std::to_string(each.compared),
             std::to_string(each.noise_differing) + " of " + std::to_string(each.noise_compared)},
            "td", 3);
      }
      out += "</tbody></table></div>";
    }
  }
  out += "<h2>Rollbacks</h2>";
  if (report.rollbacks.empty()) out += "<p>None.</p>";
  for (const auto& each : report.rollbacks) {
    const auto& plan = each.plan;
    out += "<h3>"
           + escaped_for_html(std::to_string(plan.id()) + ", " + std::string(name_of(plan.kind()))
                              + ": " + std::string(name_of(plan.cause())))
           + "</h3><p>" + escaped_for_html(plan.reason()) + "</p><p>"
           + escaped_for_html("State " + std::string(name_of(plan.state())) + ", took " + took(plan)
                              + "; " + std::to_string(plan.requeued()) + " tasks re-queued, "
                              + std::to_string(plan.drained()) + " finished, "
                              + std::to_string(plan.fenced()) + " cut off and run again. "
                              + checklist(plan, ", ") + ".")
           + "</p>";
    const auto lines = cause_lines(each.analysis);
    if (lines.empty()) continue;
    out += "<p>" + escaped_for_html(lines.front()) + "</p><ol>";
    for (std::size_t i = 1; i < lines.size(); ++i) {
      out += "<li>" + escaped_for_html(lines[i]) + "</li>";
    }
    out += "</ol>";
  }
  out += "<h2>Alerts</h2>";
  if (report.alerts.empty()) out += "<p>None.</p>";
  if (!report.alerts.empty()) {
    out += "<div class=\"wide\"><table><thead>"
           + html_row<5>({"firing since", "severity", "rule", "what", "state"}, "th")
           + "</thead><tbody>";
    for (const auto& each : report.alerts) {
      out += html_row<5>({base::rfc3339_of_seconds(each.firing_since_s),
                          std::string(monitoring::name_of(each.level)), each.rule, each.text,
                          std::string(monitoring::name_of(each.state))},
                         "td");
    }
    out += "</tbody></table></div>";
  }
  out += "<h2>Decisions</h2><div class=\"wide\"><table><thead>"
         + html_row<5>({"at", "decision", "phase", "%", "why"}, "th") + "</thead><tbody>";
  for (const auto& each : report.decisions) {
    out += html_row<5>(
        {base::rfc3339_of_seconds(each.at_s), std::string(name_of(each.kind)),
         std::string(name_of(each.where)), text_of("%.4g", each.percentage), each.reason},
        "td");
  }
  return out + "</tbody></table></div></main></body></html>\n";
}

}  // namespace greenroom::runtime::rollout
