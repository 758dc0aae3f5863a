// Where the time of a task went.
#pragma once

#include "protocols/task.hpp"

#include <algorithm>
#include <cstdint>

namespace greenroom::protocols {

/// From the acceptance to the end. @pre the task has ended.
[[nodiscard]] inline std::int64_t total_ns(const task& ended) {
  return std::max<std::int64_t>(ended.ended_ns - ended.accepted_ns, 0);
}

/// The last attempt; 0: no attempt began. @pre the task has ended.
[[nodiscard]] inline std::int64_t run_ns(const task& ended) {
  return ended.dispatched_ns > 0 ? std::max<std::int64_t>(ended.ended_ns - ended.dispatched_ns, 0)
                                 : 0;
}

/// The parts add up to the total. Earlier attempts and the waits between attempts count as
/// queueing.
struct task_times {
  std::int64_t queue_ns = 0;
  std::int64_t cold_start_ns = 0;  ///< The wait for the start of a worker.
  std::int64_t run_ns = 0;
  std::int64_t total_ns = 0;
};

/// @pre the task has ended.
[[nodiscard]] inline task_times times_of(const task& ended) {
  task_times result;
  result.total_ns = total_ns(ended);
  result.run_ns = std::min(run_ns(ended), result.total_ns);
  result.cold_start_ns = std::min(ended.start_wait_ns, result.total_ns - result.run_ns);
  result.queue_ns = result.total_ns - result.run_ns - result.cold_start_ns;
  return result;
}

}  // namespace greenroom::protocols
