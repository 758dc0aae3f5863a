// Shows a load run: its progress and its results.
#pragma once

#include "apps/client/terminal.hpp"
#include "apps/load/load_driver.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace greenroom::apps {

/// A progress line that is redrawn in place on a terminal; elsewhere prints nothing.
class load_display {
public:
  explicit load_display(double duration_s) : duration_s_{duration_s} {}
  void show(const load_progress& now);
  void finish() { block_.clear(); }

private:
  double duration_s_;
  double last_s_ = 0;
  std::uint64_t last_ended_ = 0;
  double rate_ = 0;
  live_block block_;
};

/// Prints the results as tables.
void print_report(const std::string& name, const load_outcome& result,
                  const std::vector<runtime::load::threshold>& thresholds);
/// The same results as one JSON document, with `ok`.
nlohmann::json report_json(const std::string& name, const load_outcome& result,
                           const std::vector<runtime::load::threshold>& thresholds);
/// `p50_ms` and the other percentiles of one histogram.
nlohmann::json latency_json(const runtime::load::latency_recorder& recorded);

/// True when every threshold was met and the node still answered at the end. Without a threshold
/// for unanswered requests none may be unanswered. At least one request must be completed.
bool is_good(const load_outcome& result, const std::vector<runtime::load::threshold>& thresholds);

/// Prints the results and returns the exit code: `unreachable` when the node did not answer at the
/// start or at the end, `failed` for any other missed condition.
int report_load(const std::string& name, const load_outcome& result, const std::string& node,
                const std::vector<runtime::load::threshold>& thresholds, bool as_json);

}  // namespace greenroom::apps
