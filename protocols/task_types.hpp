// The words of a task that callers, workers and the journal share: how urgent it is, how it ended.
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/base/pool_kind.hpp"
#include "protocols/base/priority.hpp"
#include "protocols/base/side_effects.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::protocols {

using base::pool_kind, base::priority, base::priority_count, base::side_effects;

enum class task_state : std::uint8_t { queued, running, completed, failed, cancelled, unknown };
[[nodiscard]] constexpr bool is_final(task_state value) {
  return value != task_state::queued && value != task_state::running;
}

/// The reason for a refused or failed task. The numbers are sent and stored: append only.
enum class failure : std::uint8_t {
  none = 0,
  malformed,             ///< 400: the request cannot be understood.
  no_such_specialist,    ///< 404: the detail names the nearest ones.
  key_conflict,          ///< 409: the idempotency key belongs to another request.
  too_large,             ///< 413
  refused,               ///< 422: the worker answered with an error that is not retryable.
  queue_full,            ///< 503: retry after the given time.
  circuit_open,          ///< 503: the specialist failed too often; retry after the given time.
  draining,              ///< 503: the node is going down.
  deadline_unreachable,  ///< 503: the task would end after the deadline, so it was not started.
  journal_unavailable,   ///< 503: the task cannot be made durable now.
  worker_failed,  ///< 502: the worker died, hung or sent invalid output, and no retry is left.
  start_failed,   ///< 502: the worker could not be started.
  out_of_time,    ///< 504: the deadline passed.
  cancelled,      ///< The caller cancelled the task or hung up.
  unknown_end,    ///< An unsafe task whose worker died during the run.
};

/// The form of a streamed answer's text.
enum class stream_form : std::uint8_t {
  text,    ///< No form was declared.
  events,  ///< Server-sent events; a piece is one or more whole events in canonical form.
  lines,   ///< One JSON value a line; a piece is one or more whole lines.
};

/// 128 bits: the run of the node, and a number within the run. Written as 32 hexadecimal digits.
struct task_id {
  std::uint64_t epoch = 0;   ///< Random, new at each start of a node.
  std::uint64_t number = 0;  ///< The low 20 bits are the task's slot in the ledger.
  friend bool operator==(const task_id&, const task_id&) = default;
};
[[nodiscard]] std::string to_string(const task_id& id);
/// A problem unless `text` is 32 hexadecimal digits.
[[nodiscard]] base::expected<task_id> parse_task_id(std::string_view text);

[[nodiscard]] std::string_view to_string(task_state value);
[[nodiscard]] std::string_view to_string(failure value);
using base::to_string;
[[nodiscard]] base::expected<priority> parse_priority(std::string_view text);
[[nodiscard]] base::expected<task_state> parse_task_state(std::string_view text);

/// The HTTP status for a failure.
[[nodiscard]] int http_status(failure value);

/// Limit on the kept part of an error's body.
inline constexpr std::size_t upstream_bytes_max = std::size_t{64} << 10;

/// A failed answer of the server behind a worker, kept for the caller.
struct upstream_answer {
  int status = 0;  ///< The HTTP status as received; may be 200.
  /// The error's effective status: the HTTP status, or for a 200 the status in the error object, or
  /// 502 when there is none.
  int error_status = 0;
  std::string body;  ///< At most `upstream_bytes_max`.
};

}  // namespace greenroom::protocols
