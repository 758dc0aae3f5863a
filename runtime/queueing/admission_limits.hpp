// Admission: whether a task is accepted, and otherwise when to retry.
#pragma once

#include <cstddef>
#include <cstdint>

namespace greenroom::runtime {

/// The state known at admission, without asking another actor. Durations in nanoseconds.
struct queue_state {
  std::size_t depth = 0;       ///< Queued and running tasks of this specialist.
  std::size_t depth_max = 64;  ///< Bound of `depth`.
  std::size_t total = 0;       ///< Queued and running tasks of the node.
  std::size_t total_max = 4096;
  std::size_t concurrency = 1;
  std::int64_t run_ns = 0;    ///< Mean measured run time; 0: unknown.
  std::int64_t start_ns = 0;  ///< Mean start time of the worker; 0: unknown.
  bool warm = false;
  std::int64_t open_for_ns = 0;  ///< Remaining time of an open circuit; 0: closed.
  bool low_priority = false;
};

enum class admission_result : std::uint8_t { admitted, full, too_late, circuit_open };

struct admission_verdict {
  admission_result what = admission_result::admitted;
  std::int64_t retry_after_ns = 0;  ///< Computed from the drain rate and the start time.
};

/// `patience_ns`: the caller's remaining timeout. Low priority is refused from 7/8 of the bounds
/// on, so that a flood of it leaves room for other tasks.
[[nodiscard]] admission_verdict admit(const queue_state& line, std::int64_t patience_ns);

}  // namespace greenroom::runtime
