// One half of the demo: a node with real workers under a simulated office day, measured.
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

/// The results of a phase. Memory is the proportional set size (PSS) from /proc, summed over the
/// workers that are up. Latency counts from the planned submit time.
struct phase_result {
  runtime::load::latency_recorder latency;  ///< Of completed tasks, nanoseconds.
  std::uint64_t asked = 0, accepted = 0, shed = 0, completed = 0, failed = 0;
  std::uint64_t cold_starts = 0;
  double memory_mb = 0;  ///< Mean over the phase.
  double memory_max_mb = 0;
  double workers_up = 0;  ///< Mean over the phase.
  std::size_t workers_max = 0;
  double seconds = 0;
  /// Accepted tasks whose end was not delivered by the time the node was drained, or that are
  /// missing from the node's counters, whichever is more. Must be 0.
  std::uint64_t lost = 0;
  std::string first_error;
  std::string problem;  ///< Not empty: the phase failed.

  [[nodiscard]] double warm_hit_rate() const;
};

struct phase_progress {
  double share = 0;  ///< Elapsed share of the phase, 0 to 1.
  double day_s = 0;  ///< The simulated time of day, seconds from midnight.
  const std::vector<specialist_view>* specialists = nullptr;
  std::uint64_t completed = 0, shed = 0, failed = 0, cold_starts = 0;
  double rate = 0;  ///< Completed tasks per second, recently.
  double memory_mb = 0;
  std::size_t workers_up = 0;
  double p50_ms = 0, p95_ms = 0;
};

struct phase_plan {
  config::node configuration;
  const runtime::load::office_cast* cast = nullptr;
  const std::vector<runtime::load::office_task>* day = nullptr;
  double from_s = 0, to_s = 86'400;  ///< Which part of the day, in seconds.
  double seconds = 30;               ///< Real duration of the phase.
  bool wait_until_all_warm = false;
  /// A replacement for Greenroom's warm policy, see node::options.
  std::function<std::unique_ptr<runtime::warm_policy>()> policy;
  std::string bin_directory;
  std::function<void(const std::string&)> say;          ///< Called with what the phase waits for.
  std::function<void(const phase_progress&)> progress;  ///< Called a few times a second.
  const std::atomic<bool>* interrupted = nullptr;
};

phase_result run_phase(const phase_plan& plan);

}  // namespace greenroom::apps
