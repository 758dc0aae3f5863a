// How a node is, and why: the one judgement that status, health, diagnoses and alerts share.
#pragma once

#include "runtime/monitoring/alert_book.hpp"
#include "runtime/monitoring/health_score.hpp"
#include "runtime/monitoring/node_status.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::runtime::monitoring {

/// What a diagnosis can be asked for.
enum class subject : std::uint8_t { memory, warming, errors, performance };
std::string_view name_of(subject what);

/// Everything that the judgement rests on, seen at one moment.
struct node_evidence {
  health_report health;  ///< Of the monitor's last look.
  std::vector<alert> firing;
  std::size_t failed = 0;  ///< Specialists that could not be started.
  bool rolling_back = false;
  bool draining = false;
  bool blind = false;         ///< The monitor had no sample for three check intervals.
  bool collapsed = false;     ///< The node has given up and takes no more tasks.
  bool journal_lost = false;  ///< The journal cannot be written.
};

/// Something that makes a node less than well.
struct reason {
  subject about = subject::errors;
  severity level = severity::warning;
  std::string text;    ///< What is wrong.
  std::string change;  ///< What an operator can do.
};

struct judgement {
  node_status status = node_status::healthy;
  double health = 1;
  std::size_t alerts = 0;  ///< Firing, of every severity.
  /// The severest first. Never empty while the status is not HEALTHY, the health is below 1 or an
  /// alert fires.
  std::vector<reason> reasons;
};

judgement judge_node(const node_evidence& seen);

}  // namespace greenroom::runtime::monitoring
