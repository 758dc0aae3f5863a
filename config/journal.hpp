// What is written to disk before a task is acknowledged, and for how long it is kept.
#pragma once

#include <chrono>
#include <cstdint>

namespace greenroom::config {

struct journal {
  std::chrono::milliseconds keep_finished{24 * 3'600'000};  ///< Finished tasks are pruned later.
  /// Beyond it the oldest finished tasks go before their time. What has not ended stays.
  std::uint64_t max_bytes = std::uint64_t{8} << 30;
  bool fsync = true;        ///< false: survives the end of the process, not of the power.
  bool sync_tasks = false;  ///< true: sync tasks are journaled too, not only async ones.

  friend bool operator==(const journal&, const journal&) = default;
};

}  // namespace greenroom::config
