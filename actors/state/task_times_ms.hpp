// The times of an ended task in milliseconds, as views and journal records have them.
#pragma once

#include "actors/state/units.hpp"
#include "protocols/task_times.hpp"

namespace greenroom::actors {

/// Sets total_ms, run_ms, start_ms and queue_ms; the last three add up to the first.
template <class To>
void copy_times_ms(const protocols::task& ended, To& to) {
  const auto times = protocols::times_of(ended);
  to.total_ms = static_cast<double>(times.total_ns) * ms_per_ns;
  to.run_ms = static_cast<double>(times.run_ns) * ms_per_ns;
  to.start_ms = static_cast<double>(times.cold_start_ns) * ms_per_ns;
  to.queue_ms = static_cast<double>(times.queue_ns) * ms_per_ns;
}

}  // namespace greenroom::actors
