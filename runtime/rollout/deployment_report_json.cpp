// The report, a rollback and a decision as JSON.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/monitoring/node_status.hpp"
#include "runtime/rollout/deployment_report.hpp"
#include "runtime/rollout/json_fields.hpp"

namespace greenroom::runtime::rollout {

namespace {

using monitoring::rfc3339;

/// Builds a JSON object; keeps the order of names.
class object {
public:
  object& raw(std::string_view name, std::string_view json) {
    text_ += text_.size() > 1 ? "," : "";
    text_ += json_text(name);
    text_ += ':';
    text_ += json;
    return *this;
  }
  object& text(std::string_view name, std::string_view value) {
    return raw(name, json_text(value));
  }
  object& number(std::string_view name, double value) { return raw(name, json_text(value)); }
  object& number(std::string_view name, std::optional<double> value) {
    return raw(name, value ? json_text(*value) : "null");
  }
  object& whole(std::string_view name, std::uint64_t value) {
    return raw(name, std::to_string(value));
  }
  object& flag(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  std::string done() && { return std::move(text_) + "}"; }

private:
  std::string text_ = "{";
};

template <class Items, class Write>
std::string array_of(const Items& items, Write write) {
  std::string out = "[";
  for (const auto& each : items) {
    if (out.size() > 1) out += ',';
    out += write(each);
  }
  return out + "]";
}

std::optional<double> in_ms(std::optional<double> seconds) {
  // Times are doubles of seconds since the epoch, exact to a quarter of a microsecond.
  return seconds ? std::optional{std::round(*seconds * 1e6) / 1e3} : std::nullopt;
}

std::string event_json(const recorded_event& event) {
  object out;
  out.text("at", rfc3339(event.at_s)).text("kind", event.kind).text("subject", event.subject);
  return std::move(out.text("text", event.text)).done();
}

std::string figures_json(const pool_figures& pool) {
  object out;
  out.number("memory_mb", pool.memory_mb)
      .number("response_mean_ms", pool.response_mean_ms)
      .number("response_p50_ms", pool.response_p50_ms)
      .number("response_p95_ms", pool.response_p95_ms)
      .number("response_p99_ms", pool.response_p99_ms)
      .number("error_rate", pool.error_rate)
      .number("warm_hit_rate", pool.warm_hit_rate)
      .number("warm_mean", pool.warm_mean)
      .whole("tasks", pool.tasks)
      .whole("cold_starts", pool.cold_starts);
  return std::move(out).done();
}

std::string quality_json(const quality_figures& quality) {
  object out;
  out.number("availability", quality.availability)
      .number("prediction_accuracy", quality.prediction_accuracy)
      .number("workflow_detection", quality.workflow_detection);
  return std::move(out).done();
}

std::string shadow_json(const shadow_summary& shadow) {
  object out;
  out.whole("mirrored", shadow.mirrored)
      .whole("dropped", shadow.dropped)
      .whole("compared", shadow.compared)
      .whole("differing", shadow.really_differing)
      .number("response_ratio", shadow.response_ratio)
      .number("error_difference", shadow.error_difference);
  return std::move(out).done();
}

}  // namespace

std::string decision_json(const decision& made) {
  object out;
  out.whole("number", made.number)
      .whole("run", made.run)
      .text("at", rfc3339(made.at_s))
      .text("kind", name_of(made.kind))
      .text("phase", name_of(made.where))
      .text("mode", name_of(made.routes))
      .number("percentage", made.percentage)
      .text("verdict", made.outcome)
      .text("reason", made.reason)
      .text("evidence", made.evidence);
  return std::move(out.flag("roll_back", made.roll_back)).done();
}

std::string alert_json(const monitoring::alert& one) {
  const auto when = [](double at_s) {
    return at_s > 0 ? json_text(rfc3339(at_s)) : std::string{"null"};
  };
  object out;
  out.whole("id", one.id)
      .text("name", one.rule)
      .text("severity", monitoring::name_of(one.level))
      .text("subject", one.subject)
      .text("state", monitoring::name_of(one.state))
      .number("value", one.value)
      .number("worst", one.worst)
      .number("threshold", one.threshold)
      .text("text", one.text)
      .raw("pending_since", when(one.pending_since_s))
      .raw("firing_since", when(one.firing_since_s))
      .raw("resolved_at", when(one.resolved_at_s));
  return std::move(out).done();
}

std::string cause_json(const cause_report& analysis) {
  object out;
  out.text("summary", analysis.summary);
  out.raw("specialists",
          array_of(analysis.specialists, [](const std::string& each) { return json_text(each); }));
  out.raw("findings", array_of(analysis.findings, [](const cause_finding& each) {
            object finding;
            finding.whole("rank", each.rank)
                .text("subject", each.subject)
                .text("metric", name_of(each.what))
                .text("onset", rfc3339(each.onset_s))
                .number("usual", each.usual)
                .number("band_low", each.band_low)
                .number("band_high", each.band_high)
                .number("worst", each.worst)
                .number("deviation", each.deviation)
                .raw("before", array_of(each.before, event_json));
            return std::move(finding.text("text", each.text)).done();
          }));
  return std::move(out.whole("series_looked_at", analysis.series_looked_at)).done();
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

std::string rollback_json(const rollback_plan& plan, std::string_view analysis) {
  object out;
  out.text("id", std::to_string(plan.id()))
      .text("mode", name_of(plan.kind()))
      .text("trigger", name_of(plan.cause()))
      .text("reason", plan.reason())
      .text("state", name_of(plan.state()))
      .text("begun", rfc3339(plan.begun_at_s()))
      .number("duration_ms", in_ms(plan.duration_s()))
      .number("switched_after_ms", in_ms(plan.switched_after_s()))
      .flag("within_budget", plan.within_budget())
      .whole("requeued", plan.requeued())
      .whole("drained", plan.drained())
      .whole("fenced", plan.fenced());
  object checks;
  for (std::size_t i = 0; i < check_count; ++i) {
    object each;
    each.text("state", name_of(plan.checks()[i].state)).text("detail", plan.checks()[i].detail);
    checks.raw(name_of(static_cast<check>(i)), std::move(each).done());
  }
  out.raw("verification", std::move(checks).done());
  out.raw("steps", array_of(plan.steps(), [](const rollback_step& each) {
            object step;
            step.text("state", name_of(each.entered)).text("at", rfc3339(each.at_s));
            return std::move(step.text("note", each.note)).done();
          }));
  out.raw("analysis", analysis.empty() ? "null" : analysis);
  return std::move(out).done();
}

std::string report_json(const deployment_report& report) {
  const auto saved = savings_of(report);
  object out;
  out.text("made_at", rfc3339(report.made_at_s))
      .text("from", rfc3339(report.from_s))
      .text("to", rfc3339(report.to_s))
      .text("node", report.node)
      .text("version", report.version)
      .text("profile", report.profile)
      .whole("specialists", report.specialists)
      .text("phase", name_of(report.at))
      .text("mode", name_of(report.routes))
      .text("standing", name_of(report.stands))
      .number("percentage", report.percentage)
      .raw("before", figures_json(report.before))
      .raw("after", figures_json(report.after))
      .raw("quality", quality_json(report.quality));
  object savings;
  savings.number("usd_per_mb_month", report.usd_per_mb_month)
      .number("memory_saved_mb", saved.memory_saved_mb)
      .number("memory_efficiency", saved.memory_efficiency)
      .number("usd_month_before", saved.usd_before)
      .number("usd_month_after", saved.usd_after)
      .number("usd_month_saved", saved.usd_saved)
      .number("response_added_ms", saved.response_added_ms)
      .number("response_ratio", saved.response_ratio);
  out.raw("savings", std::move(savings).done());
  out.raw("shadow", report.shadow ? shadow_json(*report.shadow) : "null");
  out.raw("differences", array_of(report.differences, [](const field_difference& each) {
            object field;
            field.text("specialist", each.specialist)
                .text("field", each.field)
                .whole("compared", each.compared)
                .whole("differing", each.differing)
                .whole("noise_compared", each.noise_compared)
                .whole("noise_differing", each.noise_differing);
            return std::move(field.flag("certain", each.certain)).done();
          }));
  object ledger;
  ledger.flag("balanced", report.ledger.balanced)
      .whole("lost", report.ledger.lost)
      .text("text", report.ledger.text);
  out.raw("ledger", std::move(ledger).done());
  out.raw("decisions", array_of(report.decisions, decision_json));
  out.raw("rollbacks", array_of(report.rollbacks, [](const rollback_entry& each) {
            return rollback_json(each.plan, each.analysis);
          }));
  out.raw("alerts", array_of(report.alerts, alert_json));
  return std::move(out).done() + "\n";
}

}  // namespace greenroom::runtime::rollout
