// Where the time of a task that has ended went, for whoever tells it.
#pragma once

#include "actors/state/units.hpp"
#include "protocols/task.hpp"

#include <algorithm>

namespace greenroom::actors {

/// Sets total_ms, run_ms, start_ms and queue_ms; the last three add up to the first.
template <class To>
void tell_times(const protocols::task& ended, To& to) {
  const auto total = ended.ended_ns - ended.accepted_ns;
  const auto run = ended.dispatched_ns > 0 ? ended.ended_ns - ended.dispatched_ns : 0;
  const auto start = std::min(ended.start_wait_ns, total - run);
  to.total_ms = static_cast<double>(total) * ms_per_ns;
  to.run_ms = static_cast<double>(run) * ms_per_ns;
  to.start_ms = static_cast<double>(start) * ms_per_ns;
  to.queue_ms = static_cast<double>(total - run - start) * ms_per_ns;
}

}  // namespace greenroom::actors
