// What is written to disk before an acknowledgement, and for how long.
#pragma once

#include <chrono>
#include <cstdint>

namespace greenroom::config {

struct journal {
  std::chrono::milliseconds keep_finished{24 * 3'600'000};  ///< Finished tasks are pruned later.
  /// Beyond it the oldest finished tasks are pruned earlier. Unfinished tasks stay.
  std::uint64_t max_bytes = std::uint64_t{8} << 30;
  bool fsync = true;        ///< false: survives the process's end, not a power cut.
  bool sync_tasks = false;  ///< true: sync tasks are journaled too.

  friend bool operator==(const journal&, const journal&) = default;
};

}  // namespace greenroom::config
