// The report, a rollback and a decision as JSON.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/base/json_writer.hpp"
#include "protocols/base/time_text.hpp"
#include "runtime/monitoring/node_status.hpp"
#include "runtime/rollout/deployment_report.hpp"
#include "runtime/rollout/json_fields.hpp"

namespace greenroom::runtime::rollout {

namespace {

constexpr base::json_style report_style{base::json_escapes::lines};
using object = base::json_object_in<report_style>;

/// `write` makes the JSON text of an item.
template <class Items, class Write>
std::string array_of(const Items& items, Write write) {
  base::json_array_in<report_style> out;
  for (const auto& each : items) {
    const std::string item = write(each);
    out.add(base::json_raw{item});
  }
  return std::move(out).text();
}

std::optional<double> in_ms(std::optional<double> seconds) {
  // Times are doubles of seconds since the epoch, exact to a quarter of a microsecond.
  return seconds ? std::optional{std::round(*seconds * 1e6) / 1e3} : std::nullopt;
}

std::string event_json(const recorded_event& event) {
  object out;
  out.add("at", base::rfc3339_of_seconds(event.at_s))
      .add("kind", event.kind)
      .add("subject", event.subject);
  return std::move(out.add("text", event.text)).text();
}

std::string figures_json(const pool_figures& pool) {
  object out;
  out.add("memory_mb", pool.memory_mb)
      .add("response_mean_ms", pool.response_mean_ms)
      .add("response_p50_ms", pool.response_p50_ms)
      .add("response_p95_ms", pool.response_p95_ms)
      .add("response_p99_ms", pool.response_p99_ms)
      .add("error_rate", pool.error_rate)
      .add("warm_hit_rate", pool.warm_hit_rate)
      .add("warm_mean", pool.warm_mean)
      .add("tasks", pool.tasks)
      .add("cold_starts", pool.cold_starts);
  return std::move(out).text();
}

std::string quality_json(const quality_figures& quality) {
  object out;
  out.add("availability", quality.availability)
      .add("prediction_accuracy", quality.prediction_accuracy)
      .add("workflow_detection", quality.workflow_detection);
  return std::move(out).text();
}

std::string shadow_json(const shadow_summary& shadow) {
  object out;
  out.add("mirrored", shadow.mirrored)
      .add("dropped", shadow.dropped)
      .add("compared", shadow.compared)
      .add("differing", shadow.really_differing)
      .add("response_ratio", shadow.response_ratio)
      .add("error_difference", shadow.error_difference);
  return std::move(out).text();
}

}  // namespace

std::string decision_json(const decision& made) {
  object out;
  out.add("number", made.number)
      .add("run", made.run)
      .add("at", base::rfc3339_of_seconds(made.at_s))
      .add("kind", name_of(made.kind))
      .add("phase", name_of(made.where))
      .add("mode", name_of(made.routes))
      .add("percentage", made.percentage)
      .add("verdict", made.outcome)
      .add("reason", made.reason)
      .add("evidence", made.evidence);
  return std::move(out.add("roll_back", made.roll_back)).text();
}

std::string alert_json(const monitoring::alert& one) {
  const auto when = [](double at_s) {
    return at_s > 0 ? std::optional{base::rfc3339_of_seconds(at_s)} : std::nullopt;
  };
  object out;
  out.add("id", one.id)
      .add("name", one.rule)
      .add("severity", monitoring::name_of(one.level))
      .add("subject", one.subject)
      .add("state", monitoring::name_of(one.state))
      .add("value", one.value)
      .add("worst", one.worst)
      .add("threshold", one.threshold)
      .add("text", one.text)
      .add("pending_since", when(one.pending_since_s))
      .add("firing_since", when(one.firing_since_s))
      .add("resolved_at", when(one.resolved_at_s));
  return std::move(out).text();
}

std::string cause_json(const cause_report& analysis) {
  object out;
  out.add("summary", analysis.summary);
  out.raw("specialists", array_of(analysis.specialists, [](const std::string& each) {
            return base::json_string(each, report_style);
          }));
  out.raw("findings", array_of(analysis.findings, [](const cause_finding& each) {
            object finding;
            finding.add("rank", each.rank)
                .add("subject", each.subject)
                .add("metric", name_of(each.what))
                .add("onset", base::rfc3339_of_seconds(each.onset_s))
                .add("usual", each.usual)
                .add("band_low", each.band_low)
                .add("band_high", each.band_high)
                .add("worst", each.worst)
                .add("deviation", each.deviation)
                .raw("before", array_of(each.before, event_json));
            return std::move(finding.add("text", each.text)).text();
          }));
  return std::move(out.add("series_looked_at", analysis.series_looked_at)).text();
}

std::vector<std::string> cause_lines(std::string_view analysis) {
  const auto fields = json_fields(analysis);
  if (!fields) return {};
  const auto text = [&](const std::string& path) {
    const auto found = std::ranges::find(*fields, path, &json_field::path);
    if (found == fields->end() || !found->value.starts_with('"'))
      return std::optional<std::string>{};
    return std::optional{found->value.substr(1, found->value.size() - 2)};
  };
  std::vector<std::string> out;
  if (auto summary = text("summary")) out.push_back(std::move(*summary));
  while (!out.empty()) {
    auto next = text("findings[" + std::to_string(out.size() - 1) + "].text");
    if (!next) break;
    out.push_back(std::move(*next));
  }
  return out;
}

std::string rollback_json(const rollback_plan& plan, std::string_view analysis,
                          std::string_view way_back) {
  object out;
  out.add("id", std::to_string(plan.id()))
      .add("mode", name_of(plan.kind()))
      .add("trigger", name_of(plan.cause()))
      .add("reason", plan.reason())
      .add("state", name_of(plan.state()))
      .add("begun", base::rfc3339_of_seconds(plan.begun_at_s()))
      .add("duration_ms", in_ms(plan.duration_s()))
      .add("switched_after_ms", in_ms(plan.switched_after_s()))
      .add("within_budget", plan.within_budget())
      .add("requeued", plan.requeued())
      .add("drained", plan.drained())
      .add("fenced", plan.fenced());
  object checks;
  for (std::size_t i = 0; i < check_count; ++i) {
    object each;
    each.add("state", name_of(plan.checks()[i].state)).add("detail", plan.checks()[i].detail);
    checks.raw(name_of(static_cast<check>(i)), std::move(each).text());
  }
  out.raw("verification", std::move(checks).text());
  out.raw("steps", array_of(plan.steps(), [](const rollback_step& each) {
            object step;
            step.add("state", name_of(each.entered)).add("at", base::rfc3339_of_seconds(each.at_s));
            return std::move(step.add("note", each.note)).text();
          }));
  out.raw("analysis", analysis.empty() ? "null" : analysis);
  if (!way_back.empty()) out.add("way_back", way_back);
  return std::move(out).text();
}

std::string report_json(const deployment_report& report) {
  const auto saved = savings_of(report);
  object out;
  out.add("made_at", base::rfc3339_of_seconds(report.made_at_s))
      .add("from", base::rfc3339_of_seconds(report.from_s))
      .add("to", base::rfc3339_of_seconds(report.to_s))
      .add("node", report.node)
      .add("version", report.version)
      .add("profile", report.profile)
      .add("specialists", report.specialists)
      .add("phase", name_of(report.at))
      .add("mode", name_of(report.routes))
      .add("standing", name_of(report.stands))
      .add("percentage", report.percentage)
      .raw("before", figures_json(report.before))
      .raw("after", figures_json(report.after))
      .raw("quality", quality_json(report.quality));
  object savings;
  savings.add("usd_per_mb_month", report.usd_per_mb_month)
      .add("memory_saved_mb", saved.memory_saved_mb)
      .add("memory_efficiency", saved.memory_efficiency)
      .add("usd_month_before", saved.usd_before)
      .add("usd_month_after", saved.usd_after)
      .add("usd_month_saved", saved.usd_saved)
      .add("response_added_ms", saved.response_added_ms)
      .add("response_ratio", saved.response_ratio);
  out.raw("savings", std::move(savings).text());
  out.raw("shadow", report.shadow ? shadow_json(*report.shadow) : "null");
  out.raw("differences", array_of(report.differences, [](const field_difference& each) {
            object field;
            field.add("specialist", each.specialist)
                .add("field", each.field)
                .add("compared", each.compared)
                .add("differing", each.differing)
                .add("noise_compared", each.noise_compared)
                .add("noise_differing", each.noise_differing);
            return std::move(field.add("certain", each.certain)).text();
          }));
  object ledger;
  ledger.add("balanced", report.ledger.balanced)
      .add("lost", report.ledger.lost)
      .add("text", report.ledger.text);
  out.raw("ledger", std::move(ledger).text());
  out.raw("decisions", array_of(report.decisions, decision_json));
  out.raw("rollbacks", array_of(report.rollbacks, [](const rollback_entry& each) {
            return rollback_json(each.plan, each.analysis);
          }));
  out.raw("alerts", array_of(report.alerts, alert_json));
  return std::move(out).text() + "\n";
}

}  // namespace greenroom::runtime::rollout
