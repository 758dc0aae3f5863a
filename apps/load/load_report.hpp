// How a load is shown: while it runs, and what it came to.
#pragma once

#include "apps/client/terminal.hpp"
#include "apps/load/load_driver.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace greenroom::apps {

/// The line that is drawn over and over on a terminal; elsewhere it says nothing.
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

/// Tables for people.
void print_report(const std::string& name, const load_outcome& came,
                  const std::vector<runtime::load::threshold>& thresholds);
/// The same as one document, with `ok`.
nlohmann::json report_json(const std::string& name, const load_outcome& came,
                           const std::vector<runtime::load::threshold>& thresholds);
/// `p50_ms` and so on, of one histogram.
nlohmann::json latency_json(const runtime::load::latency_recorder& recorded);

/// Whether the load is a success: every threshold was met, and the node was there at the end. Where
/// no threshold says how many requests may stay without an answer, none may; some must be
/// completed.
bool is_good(const load_outcome& came, const std::vector<runtime::load::threshold>& thresholds);

/// Prints it one way or the other and gives the exit code: `unreachable` when nobody was there, or
/// nobody any more at the end; `failed` when it is no success otherwise.
int report_load(const std::string& name, const load_outcome& came, const std::string& node,
                const std::vector<runtime::load::threshold>& thresholds, bool as_json);

}  // namespace greenroom::apps
