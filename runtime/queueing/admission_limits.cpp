#include "runtime/queueing/admission_limits.hpp"

#include <algorithm>

namespace greenroom::runtime {

namespace {

constexpr std::int64_t unknown_run_ns = 50'000'000;  // Before any measurement.
constexpr std::int64_t retry_min_ns = 10'000'000;

std::size_t bound_for(std::size_t bound, bool low) { return low ? bound - bound / 8 : bound; }

}  // namespace

admission_verdict admit(const queue_state& line, std::int64_t patience_ns) {
  const auto run = line.run_ns > 0 ? line.run_ns : unknown_run_ns;
  const auto width = static_cast<std::int64_t>(std::max<std::size_t>(line.concurrency, 1));
  const auto start = line.warm ? 0 : line.start_ns;
  if (line.open_for_ns > 0)
    return {admission_result::circuit_open, std::max(line.open_for_ns, retry_min_ns)};
  if (line.total >= bound_for(line.total_max, line.low_priority)
      || line.depth >= bound_for(line.depth_max, line.low_priority)) {
    // One of `width` parallel runs must end before there is room.
    return {admission_result::full, std::max(run / width + start, retry_min_ns)};
  }
  // A task is refused as too late only on measured run times, never on a guess.
  if (line.run_ns > 0) {
    const auto ahead = static_cast<std::int64_t>(line.depth) / width;
    const auto end = start + (ahead + 1) * line.run_ns;
    if (end > patience_ns && ahead > 0)
      return {admission_result::too_late, std::max(end - patience_ns, retry_min_ns)};
  }
  return {};
}

}  // namespace greenroom::runtime
