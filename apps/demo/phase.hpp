// One half of the demo: a node with real workers, driven by an office day and measured.
#pragma once

#include "actors/node/node.hpp"
#include "config/node.hpp"
#include "runtime/load/latency_recorder.hpp"
#include "runtime/load/office_day.hpp"
#include "runtime/pooling/warm_policy.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace greenroom::apps {

/// What a phase came to. Memory is proportional set size (PSS) read from /proc of all workers that
/// were up at that moment; latency counts from the moment at which a task was to be submitted.
struct phase_result {
  runtime::load::latency_recorder latency;  ///< Of completed tasks, nanoseconds.
  std::uint64_t asked = 0, accepted = 0, shed = 0, completed = 0, failed = 0;
  std::uint64_t cold_starts = 0;
  double memory_mb = 0;  ///< Mean over the phase.
  double memory_max_mb = 0;
  double workers_up = 0;  ///< Mean over the phase.
  std::size_t workers_max = 0;
  double seconds = 0;
  /// Accepted tasks whose end nobody heard after the node was drained, or that the node's own
  /// counters miss, whichever is more. There must be none.
  std::uint64_t lost = 0;
  std::string first_error;
  std::string problem;  ///< Not empty: the phase could not be carried out.

  [[nodiscard]] double warm_hit_rate() const;
};

struct phase_progress {
  double share = 0;  ///< Of the phase, 0 to 1.
  double day_s = 0;  ///< The office's clock, seconds from midnight.
  const std::vector<specialist_view>* specialists = nullptr;
  std::uint64_t completed = 0, shed = 0, failed = 0, cold_starts = 0;
  double rate = 0;  ///< Completed a second, lately.
  double memory_mb = 0;
  std::size_t workers_up = 0;
  double p50_ms = 0, p95_ms = 0;
};

struct phase_plan {
  config::node configuration;
  const runtime::load::office_cast* cast = nullptr;
  const std::vector<runtime::load::office_task>* day = nullptr;
  double from_s = 0, to_s = 86'400;  ///< Which part of the day.
  double seconds = 30;               ///< How long it takes.
  bool wait_until_all_warm = false;
  /// Another rule than Greenroom's own, see node::options.
  std::function<std::unique_ptr<runtime::warm_policy>()> policy;
  std::string bin_directory;
  std::function<void(const std::string&)> say;          ///< What it is waiting for.
  std::function<void(const phase_progress&)> progress;  ///< A few times a second.
  const std::atomic<bool>* interrupted = nullptr;
};

phase_result run_phase(const phase_plan& plan);

}  // namespace greenroom::apps
