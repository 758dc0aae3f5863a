// The body of a failed request's answer: a problem document (RFC 9457).
#pragma once

#include "protocols/task.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::protocols {

/// The media type of a problem document.
constexpr std::string_view problem_media_type = "application/problem+json";

/// One failure, for the caller. `type` is stable, so programs may depend on it. `title` names the
/// kind of failure and is constant; `detail` says what happened this time and what to do.
struct problem {
  std::string type;  ///< "urn:greenroom:queue-full"
  std::string title;
  int status = 500;
  std::string detail;
  std::int64_t retry_after_ms = 0;   ///< 0: a retry does not help, or the time is unknown.
  std::vector<std::string> nearest;  ///< Similar existing names, best first.
  std::string task;                  ///< The failed task's id, as 32 digits; empty: none.
  /// The upstream server's answer; null: none.
  std::shared_ptr<const upstream_answer> upstream;
  bool unwritten = false;  ///< The end was reported but could not be journaled.
};

/// The problem for a task's failure. An empty detail is replaced by a general one.
[[nodiscard]] problem problem_of(failure why, std::string detail = {},
                                 std::int64_t retry_after_ms = 0,
                                 std::vector<std::string> nearest = {});

/// A problem without a task: `name` becomes the last part of the type, as in
/// `problem_named("not-implemented", 501, "Not implemented", "…")`.
[[nodiscard]] problem problem_named(std::string_view name, int status, std::string title,
                                    std::string detail, std::int64_t retry_after_ms = 0);

/// The value of a `Retry-After` header in whole seconds, rounded up so that no client comes too
/// early; 0: no header.
[[nodiscard]] std::int64_t retry_after_seconds(const problem& about);

/// Returns one JSON object: `type`, `title`, `status`, `detail`, and, if set, `retry_after_ms`,
/// `nearest`, `task`, and `upstream_status` with `upstream`, the server's body (as JSON if valid,
/// else as text). Invalid UTF-8 becomes U+FFFD, so that any worker's message gives a valid
/// document.
[[nodiscard]] std::string to_json(const problem& about);

}  // namespace greenroom::protocols
