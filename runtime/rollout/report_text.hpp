// The sentences and the figures that the Markdown report and the HTML report share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/rollout/deployment_report.hpp"

namespace greenroom::runtime::rollout {

/// A line of the table "before and after".
struct report_row {
  std::string name;
  std::string before;
  std::string after;
  std::string change;
};

[[nodiscard]] std::vector<report_row> comparison(const deployment_report& report);

[[nodiscard]] std::string headline(const deployment_report& report);
[[nodiscard]] std::string quality_of(const deployment_report& report);
/// Phase, state, routing and percentage of the rollout.
[[nodiscard]] std::string rollout_position(const deployment_report& report);
[[nodiscard]] std::string summary_of(const shadow_summary& shadow);
/// The state of a rollback, how long it took, and what happened to the tasks.
[[nodiscard]] std::string outcome_of(const rollback_plan& plan);
/// The checks of a rollback with their states.
[[nodiscard]] std::string checklist(const rollback_plan& plan, std::string_view separator);

}  // namespace greenroom::runtime::rollout
