// The report as an HTML page.
#include <array>
#include <string>
#include <vector>

#include "protocols/base/time_text.hpp"
#include "runtime/monitoring/node_status.hpp"
#include "runtime/rollout/deployment_report.hpp"
#include "runtime/rollout/formatted.hpp"
#include "runtime/rollout/line_chart.hpp"
#include "runtime/rollout/report_text.hpp"

namespace greenroom::runtime::rollout {

namespace {

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

constexpr const char* table_begin = "<div class=\"wide\"><table><thead>";
constexpr const char* table_end = "</tbody></table></div>";

std::string html_of_comparison(const deployment_report& report) {
  std::string out = table_begin + html_row<4>({"", "always warm", "intelligent", "change"}, "th", 1)
                    + "</thead><tbody>";
  for (const auto& each : comparison(report)) {
    out += html_row<4>({each.name, each.before, each.after, each.change}, "td", 1);
  }
  return out + table_end;
}

std::string html_of_shadow(const deployment_report& report) {
  std::string out =
      "<h2>Shadow comparison</h2><p>" + escaped_for_html(summary_of(*report.shadow)) + "</p>";
  if (report.differences.empty()) return out;
  out += table_begin
         + html_row<5>({"specialist", "field", "certain", "differing", "noise"}, "th", 3)
         + "</thead><tbody>";
  for (const auto& each : report.differences) {
    out += html_row<5>(
        {each.specialist, each.field, each.certain ? "yes" : "no",
         std::to_string(each.differing) + " of " + std::to_string(each.compared),
         std::to_string(each.noise_differing) + " of " + std::to_string(each.noise_compared)},
        "td", 3);
  }
  return out + table_end;
}

std::string html_of_rollbacks(const std::vector<rollback_entry>& rollbacks) {
  std::string out = "<h2>Rollbacks</h2>";
  if (rollbacks.empty()) out += "<p>None.</p>";
  for (const auto& each : rollbacks) {
    const auto& plan = each.plan;
    out += "<h3>"
           + escaped_for_html(std::to_string(plan.id()) + ", " + std::string(name_of(plan.kind()))
                              + ": " + std::string(name_of(plan.cause())))
           + "</h3><p>" + escaped_for_html(plan.reason()) + "</p><p>"
           + escaped_for_html(outcome_of(plan) + " " + checklist(plan, ", ") + ".") + "</p>";
    const auto lines = cause_lines(each.analysis);
    if (lines.empty()) continue;
    out += "<p>" + escaped_for_html(lines.front()) + "</p><ol>";
    for (std::size_t i = 1; i < lines.size(); ++i) {
      out += "<li>" + escaped_for_html(lines[i]) + "</li>";
    }
    out += "</ol>";
  }
  return out;
}

std::string html_of_alerts(const std::vector<monitoring::alert>& alerts) {
  std::string out = "<h2>Alerts</h2>";
  if (alerts.empty()) return out + "<p>None.</p>";
  out += table_begin + html_row<5>({"firing since", "severity", "rule", "what", "state"}, "th")
         + "</thead><tbody>";
  for (const auto& each : alerts) {
    out += html_row<5>({base::rfc3339_of_seconds(each.firing_since_s),
                        std::string(monitoring::name_of(each.level)), each.rule, each.text,
                        std::string(monitoring::name_of(each.state))},
                       "td");
  }
  return out + table_end;
}

std::string html_of_decisions(const std::vector<decision>& decisions) {
  std::string out = std::string{"<h2>Decisions</h2>"} + table_begin
                    + html_row<5>({"at", "decision", "phase", "%", "why"}, "th")
                    + "</thead><tbody>";
  for (const auto& each : decisions) {
    out += html_row<5>(
        {base::rfc3339_of_seconds(each.at_s), std::string(name_of(each.kind)),
         std::string(name_of(each.where)), text_of("%.4g", each.percentage), each.reason},
        "td");
  }
  return out + table_end;
}

}  // namespace

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
                            + base::rfc3339_of_seconds(report.to_s)
                            + ". Rollout: " + rollout_position(report) + ".")
         + "</p><p class=\"head\">" + escaped_for_html(headline(report)) + "</p>";
  out += "<h2>Before and after</h2>" + html_of_comparison(report) + "<h2>Quality</h2><p>"
         + escaped_for_html(quality_of(report)) + "</p>";
  if (!report.charts.empty()) out += "<h2>Over time</h2>";
  for (const auto& each : report.charts) out += svg_of(each);
  if (report.shadow) out += html_of_shadow(report);
  out += html_of_rollbacks(report.rollbacks);
  out += html_of_alerts(report.alerts);
  out += html_of_decisions(report.decisions);
  return out + "</main></body></html>\n";
}

}  // namespace greenroom::runtime::rollout
