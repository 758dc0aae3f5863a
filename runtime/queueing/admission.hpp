// May one more task come in, and if not, when is it worth asking again?
#pragma once

#include <cstddef>
#include <cstdint>

namespace greenroom::runtime {

/// What the door knows without asking anyone. Durations in nanoseconds.
struct line_state {
  std::size_t depth = 0;       ///< Waiting and running for this specialist.
  std::size_t depth_max = 64;  ///< Its bound, running ones included.
  std::size_t total = 0;       ///< Waiting and running in the node.
  std::size_t total_max = 4096;
  std::size_t concurrency = 1;
  std::int64_t run_ns = 0;    ///< Mean time of one run, as measured; 0: nothing known.
  std::int64_t start_ns = 0;  ///< Mean time to start its worker; 0: nothing known.
  bool warm = false;
  std::int64_t open_for_ns = 0;  ///< How long its circuit stays open; 0: closed.
  bool low_priority = false;
};

enum class admission : std::uint8_t { admitted, full, too_late, circuit_open };

struct admission_verdict {
  admission what = admission::admitted;
  std::int64_t retry_after_ns = 0;  ///< Computed from the drain rate and the start time.
};

/// `patience_ns`: how long the caller will wait for the end. Low priority is refused from 7/8 of
/// the bounds on, so that a flood of it leaves room for the rest.
[[nodiscard]] admission_verdict admit(const line_state& line, std::int64_t patience_ns);

}  // namespace greenroom::runtime
