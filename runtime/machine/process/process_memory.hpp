// Measures the memory and processor time of a process and its descendants.
#pragma once

#include <chrono>
#include <cstdint>

namespace greenroom::machine {

struct process_usage {
  /// Proportional set size: shared pages count by share. Resident size if the kernel denies access
  /// to the former. 0: there is no such process.
  std::uint64_t memory_bytes = 0;
  std::chrono::milliseconds processor_time{0};
  int processes = 0;
};

/// Reads /proc for `pid` and its descendants, without a walk over all processes. Takes some 50 µs
/// for a small worker and about a millisecond for 100 MB.
[[nodiscard]] process_usage measure_process(int pid);

[[nodiscard]] inline std::uint64_t process_memory(int pid) {
  return measure_process(pid).memory_bytes;
}

}  // namespace greenroom::machine
