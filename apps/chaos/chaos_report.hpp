// Prints a chaos run: its schedule, progress and results.
#pragma once

#include "apps/chaos/chaos_job.hpp"
#include "apps/client/terminal.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace greenroom::apps {

/// A fault in words: `freeze_worker api-architect`.
std::string describe(const runtime::chaos::fault& what, const cast_list& cast);

void print_schedule(const std::vector<runtime::chaos::fault>& schedule, const cast_list& cast);
nlohmann::json schedule_json(const std::vector<runtime::chaos::fault>& schedule,
                             const cast_list& cast);

/// On a terminal a block that is redrawn in place; elsewhere one line per fault.
class chaos_display {
public:
  chaos_display(std::string title, bool silent) : title_{std::move(title)}, silent_{silent} {}
  void show(const chaos_progress& now);
  void tell(const fault_outcome& one, double now_s);
  void finish() { block_.clear(); }

private:
  std::string title_;
  bool silent_;
  live_block block_;
};

void print_result(const chaos_job& job, const chaos_result& result,
                  const std::vector<std::string>& missed);
nlohmann::json result_json(const chaos_job& job, const chaos_result& result,
                           const std::vector<std::string>& missed);

}  // namespace greenroom::apps
