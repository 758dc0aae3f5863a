// Whether a worker that ended by itself is started again, and how soon.
#pragma once

#include <cstddef>
#include <cstdint>

namespace greenroom::runtime {

/// The end of a worker that was not asked to stop.
struct worker_death {
  bool before_ready = false;   ///< The worker was never ready.
  bool had_tasks = false;      ///< The worker got at least one task since it was ready.
  std::int64_t up_for_ns = 0;  ///< How long the worker was in its last state.
};

struct worker_restart {
  std::uint32_t failed_starts = 0;  ///< In a row, with this one; 0: the worker was useful.
  bool at_once = false;             ///< The worker may start again in its own slot.
  bool after_backoff = false;       ///< The next start waits for the backoff of `failed_starts`.
  bool exhausted = false;           ///< No further start before a request for the specialist.
};

/// A worker that is up for so long counts as useful although it got no task.
inline constexpr std::int64_t proven_after_ns = 60'000'000'000;

/// A worker that was useful starts again at once. A worker that ends before it is of any use is
/// started `starts_max` times. `failed_starts`: in a row, before this end.
[[nodiscard]] inline worker_restart decide_restart(const worker_death& death,
                                                   std::uint32_t failed_starts,
                                                   std::size_t starts_max) {
  const bool useful =
      !death.before_ready && (death.had_tasks || death.up_for_ns >= proven_after_ns);
  worker_restart result;
  if (!useful) {
    result.failed_starts = failed_starts + 1;
    result.after_backoff = death.before_ready || result.failed_starts > 1;
    result.exhausted = result.failed_starts >= starts_max;
  }
  result.at_once = !death.before_ready && result.failed_starts <= 1;
  return result;
}

}  // namespace greenroom::runtime
