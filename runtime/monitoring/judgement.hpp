// The judgement of a node with its reasons; status, health, diagnoses and alerts share it.
#pragma once

#include "runtime/monitoring/alert_book.hpp"
#include "runtime/monitoring/health_score.hpp"
#include "runtime/monitoring/node_status.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::runtime::monitoring {

/// The subjects of a diagnosis.
enum class subject : std::uint8_t { memory, warming, errors, performance };
std::string_view name_of(subject what);

/// The input of the judgement at one moment.
struct node_evidence {
  health_report health;  ///< From the monitor's latest check.
  std::vector<alert> firing;
  std::size_t failed = 0;  ///< Specialists that could not be started.
  bool rolling_back = false;
  bool draining = false;
  bool blind = false;         ///< The monitor had no sample for three check intervals.
  bool collapsed = false;     ///< The node has given up and accepts no tasks.
  bool journal_lost = false;  ///< The journal cannot be written.
};

/// A reason why the node is not fully healthy.
struct reason {
  subject about = subject::errors;
  severity level = severity::warning;
  std::string text;    ///< What is wrong.
  std::string change;  ///< What the operator can do.
};

struct judgement {
  node_status status = node_status::healthy;
  double health = 1;
  std::size_t alerts = 0;  ///< Firing, of every severity.
  /// Most severe first. Never empty while the status is not HEALTHY, the health is below 1 or an
  /// alert fires.
  std::vector<reason> reasons;
};

judgement judge_node(const node_evidence& seen);

}  // namespace greenroom::runtime::monitoring
