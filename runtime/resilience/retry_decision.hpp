// Whether a failed attempt of a task is repeated, and when.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace greenroom::runtime {

/// A failed attempt of a task that may be done twice. All times are steady.
struct attempt_failure {
  std::size_t attempts = 1;  ///< Of the task, with this attempt.
  std::size_t attempts_max = 3;
  std::int64_t dispatched_ns = 0;  ///< When the attempt began.
  std::int64_t failed_ns = 0;
  std::int64_t deadline_ns = 0;  ///< Of the task.
  std::int64_t backoff_ns = 0;
  /// The pause that the server behind the worker asked for; 0: none.
  std::int64_t requested_pause_ns = 0;
  bool circuit_admits = true;  ///< The specialist's circuit admits another attempt now.
};

struct retry_decision {
  std::int64_t due_ns = 0;  ///< When the next attempt may begin.
  /// No attempt is left, or none can begin before the deadline: without a fallback the task fails.
  bool exhausted = false;
  /// A fallback that has room does the task sooner, or at all.
  bool prefer_fallback = false;
};

[[nodiscard]] inline retry_decision decide_retry(const attempt_failure& failure) {
  retry_decision result;
  result.due_ns = failure.failed_ns + std::max(failure.backoff_ns, failure.requested_pause_ns);
  result.exhausted =
      failure.attempts >= failure.attempts_max || result.due_ns >= failure.deadline_ns;
  // Another attempt that takes as long as this one would not end in time.
  const bool too_slow =
      result.due_ns + (failure.failed_ns - failure.dispatched_ns) >= failure.deadline_ns;
  result.prefer_fallback = result.exhausted || too_slow || !failure.circuit_admits;
  return result;
}

}  // namespace greenroom::runtime
