// What a caller is told when a request fails: a problem document (RFC 9457).
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

/// One failure, as told to a caller. `type` is stable: programs decide by it. `title` says what
/// kind of failure it is and is the same each time; `detail` says what happened this time and what
/// helps.
struct problem {
  std::string type;  ///< "urn:greenroom:queue-full"
  std::string title;
  int status = 500;
  std::string detail;
  std::int64_t retry_after_ms = 0;   ///< 0: trying again is of no use, or nobody knows when.
  std::vector<std::string> nearest;  ///< Names that were perhaps meant, best first.
  std::string task;                  ///< The task that failed, as 32 digits; empty: there is none.
  /// What the server behind the worker answered; null: it did not, or there is none.
  std::shared_ptr<const upstream_answer> upstream;
  bool unwritten = false;  ///< This end is not in the journal, where it belongs.
};

/// The problem that stands for a failure of a task. An empty detail is replaced by a general one.
[[nodiscard]] problem problem_of(failure why, std::string detail = {},
                                 std::int64_t retry_after_ms = 0,
                                 std::vector<std::string> nearest = {});

/// A problem that is none of a task: `name` becomes the last part of the type, as in
/// `problem_named("not-implemented", 501, "Not implemented", "…")`.
[[nodiscard]] problem problem_named(std::string_view name, int status, std::string title,
                                    std::string detail, std::int64_t retry_after_ms = 0);

/// The value of a `Retry-After` header in whole seconds, rounded up so that nobody comes too early;
/// 0: no header.
[[nodiscard]] std::int64_t retry_after_seconds(const problem& about);

/// One JSON object: `type`, `title`, `status`, `detail`, and, where there are any,
/// `retry_after_ms`, `nearest`, `task`, and `upstream_status` with `upstream`, the server's own
/// body (JSON where it is JSON, otherwise text). Bytes that are no UTF-8 become U+FFFD, since a
/// worker's message may hold anything and the document must stay JSON.
[[nodiscard]] std::string to_json(const problem& about);

}  // namespace greenroom::protocols
