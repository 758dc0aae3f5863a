// The report on moving to the intelligent pool: one set of figures as Markdown, as a self-contained
// page with charts, and as JSON.
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

/// One pool over the period of the report. A missing value is reported as "not measured", never as
/// 0.
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

/// Quality of the node since its start: shares of 1; nothing where there is no data.
struct quality_figures {
  std::optional<double> availability;         ///< Completed tasks ÷ ended tasks.
  std::optional<double> prediction_accuracy;  ///< Used prewarms ÷ all prewarms.
  std::optional<double> workflow_detection;   ///< Workflows detected before their end ÷ all.
};

struct rollback_entry {
  rollback_plan plan;
  std::string analysis;  ///< The output of `cause_json`; empty when there is none.
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

/// Derived from the figures; nothing where one pool was not measured.
struct report_savings {
  std::optional<double> memory_saved_mb;
  std::optional<double> memory_efficiency;  ///< 1 − after ÷ before.
  std::optional<double> usd_before;         ///< Per month.
  std::optional<double> usd_after;
  std::optional<double> usd_saved;
  std::optional<double> response_added_ms;  ///< Difference of the means.
  std::optional<double> response_ratio;
};
report_savings savings_of(const deployment_report& report);

std::string report_markdown(const deployment_report& report);
/// One file without external scripts, fonts or images; supports light, dark and print.
std::string report_html(const deployment_report& report);
std::string report_json(const deployment_report& report);

/// A rollback as in `GET /v1/rollbacks/{id}`: `id, trigger, reason, state, duration_ms,
/// verification, analysis` and further fields. `analysis` is the output of `cause_json`, or empty.
/// `way_back` says how to return to the intelligent pool; empty: the field is left out.
std::string rollback_json(const rollback_plan& plan, std::string_view analysis,
                          std::string_view way_back = {});
/// An alert as in `GET /v1/alerts`, webhooks and the report.
std::string alert_json(const monitoring::alert& one);
std::string cause_json(const cause_report& analysis);
/// The output of `cause_json` as text for operators: the summary, then each finding. Empty when
/// `analysis` has another format.
std::vector<std::string> cause_lines(std::string_view analysis);
std::string decision_json(const decision& made);

}  // namespace greenroom::runtime::rollout
