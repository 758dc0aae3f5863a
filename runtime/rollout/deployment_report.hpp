// What moving to the intelligent pool did, for those who have to decide on it: one set of figures,
// as Markdown, as a self-contained page with charts, and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/monitoring/alert_book.hpp"
#include "runtime/rollout/ledger_balance.hpp"
#include "runtime/rollout/line_chart.hpp"
#include "runtime/rollout/rollback_plan.hpp"
#include "runtime/rollout/rollout_plan.hpp"
#include "runtime/rollout/root_cause.hpp"
#include "runtime/rollout/shadow_comparison.hpp"

namespace greenroom::runtime::rollout {

/// One pool over the period of the report. What was not measured is nothing, and is reported as
/// "not measured", never as 0.
struct pool_figures {
  std::optional<double> memory_mb;  ///< Mean over time, measured.
  std::optional<double> response_mean_ms;
  std::optional<double> response_p50_ms;
  std::optional<double> response_p95_ms;
  std::optional<double> response_p99_ms;
  std::optional<double> error_rate;
  std::optional<double> warm_hit_rate;
  std::optional<double> warm_mean;  ///< Specialists warm, mean over time.
  std::uint64_t tasks = 0;
  std::uint64_t cold_starts = 0;
};

/// How well the node did, since it started: shares of 1, nothing where there was nothing to count.
struct quality_figures {
  std::optional<double> availability;         ///< Of the ended tasks, those that were completed.
  std::optional<double> prediction_accuracy;  ///< Of the workers warmed ahead, those used.
  std::optional<double> workflow_detection;  ///< Of the workflows run, those seen before their end.
};

struct rollback_entry {
  rollback_plan plan;
  std::string analysis;  ///< As `cause_json` wrote it; empty when there is none.
};

struct deployment_report {
  double made_at_s = 0;
  double from_s = 0;  ///< The period.
  double to_s = 0;
  std::string node;
  std::string version;
  std::string profile;
  std::uint64_t specialists = 0;

  phase at = phase::idle;
  mode routes = mode::idle;
  standing stands = standing::idle;
  double percentage = 0;

  pool_figures before;  ///< The baseline pool: every specialist always warm.
  pool_figures after;   ///< The intelligent pool.
  quality_figures quality;
  double usd_per_mb_month = 0.50;

  std::vector<decision> decisions;
  std::vector<rollback_entry> rollbacks;
  std::optional<shadow_summary> shadow;
  std::vector<field_difference> differences;
  ledger_verdict ledger;
  std::vector<monitoring::alert> alerts;  ///< Fired within the period.
  std::vector<line_chart> charts;
};

/// Derived from the figures alone; nothing where one side was not measured.
struct report_savings {
  std::optional<double> memory_saved_mb;
  std::optional<double> memory_efficiency;  ///< 1 − after ÷ before.
  std::optional<double> usd_before;         ///< Per month.
  std::optional<double> usd_after;
  std::optional<double> usd_saved;
  std::optional<double> response_added_ms;  ///< Of the means.
  std::optional<double> response_ratio;
};
report_savings savings_of(const deployment_report& report);

std::string report_markdown(const deployment_report& report);
/// One file: no script, no font and no image from elsewhere; readable in light and dark, printable.
std::string report_html(const deployment_report& report);
std::string report_json(const deployment_report& report);

/// A rollback's record as JSON, as `GET /v1/rollbacks/{id}` has it:
/// `id, trigger, reason, state, duration_ms, verification, analysis` and what else is known.
/// `analysis` is what `cause_json` wrote, or empty.
std::string rollback_json(const rollback_plan& plan, std::string_view analysis);
/// An alert as `GET /v1/alerts`, webhooks and the report have it.
std::string alert_json(const monitoring::alert& one);
std::string cause_json(const cause_report& analysis);
/// What `cause_json` wrote, for people: the summary, then one finding after the other. Empty when
/// it is not of that kind.
std::vector<std::string> cause_lines(std::string_view analysis);
std::string decision_json(const decision& made);

}  // namespace greenroom::runtime::rollout
