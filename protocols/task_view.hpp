// What a node tells of a task. Installed as <greenroom/task_view.hpp>.
#pragma once

#include "protocols/task_types.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace greenroom {

/// A copy of what is known of a task, for people and programs.
struct task_view {
  protocols::task_id id;
  protocols::task_state state = protocols::task_state::queued;
  std::string specialist, department;
  protocols::priority urgency = protocols::priority::normal;
  protocols::failure why = protocols::failure::none;
  std::string output;              ///< JSON text, or the error message when `why` is set.
  std::uint64_t output_bytes = 0;  ///< The size of the whole output, also when it is left out.
  bool output_left_out = false;    ///< The output is too long for a list.
  bool cold_start = false;
  std::uint32_t attempts = 0;
  protocols::pool_kind served_by = protocols::pool_kind::intelligent;
  double queue_ms = 0, start_ms = 0, run_ms = 0, total_ms = 0;
  std::int64_t accepted_unix_ms = 0, ended_unix_ms = 0;  ///< 0: unknown.
  /// For a task that failed because of the server behind its worker: the server's answer; else
  /// null.
  std::shared_ptr<const protocols::upstream_answer> upstream;
  bool unwritten = false;  ///< The end was reported but could not be journaled.
  /// When it makes sense to submit the refused or failed task again; 0: that does not help.
  std::chrono::milliseconds retry_after{0};
  /// For a task that was refused because of an unknown name: the names nearest to it.
  std::vector<std::string> nearest;
};

}  // namespace greenroom
