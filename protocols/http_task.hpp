// The body of `POST /v1/tasks` and of `POST /v1/workflows/{name}`, and a task as JSON.
#pragma once

#include "protocols/task.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace greenroom::protocols {

struct http_task {
  std::string specialist, department, command;  ///< Which of them are set is not checked here.
  std::string input = "null";                   ///< Valid JSON text, as it was written.
  priority urgency = priority::normal;
  std::optional<std::int64_t> timeout_ms;  ///< At least 1.
  bool async = false;
  bool durable = false;
  std::string idempotency_key;
  std::string case_id;
};

/// What is wrong with a body: a sentence that names the field and the place.
struct bad_body {
  std::string detail;
  std::size_t offset = 0;  ///< In bytes, where the trouble begins.
};

/// The whole text is checked once to be JSON (RFC 8259, UTF-8, nesting up to `depth_max`); `input`
/// is then handed on as the slice that it is. Unknown and repeated fields are errors.
[[nodiscard]] std::variant<http_task, bad_body> parse_http_task(std::string_view body,
                                                                int depth_max);

/// The key in an `Idempotency-Key` field, given as a quoted string
/// (draft-ietf-httpapi-idempotency-key-header) or, as most clients do, as it is. Nothing when it is
/// empty, longer than a key may be, or not printable ASCII.
[[nodiscard]] std::optional<std::string> idempotency_key_in(std::string_view field);

/// "line 3, column 14" of a byte, both from 1; columns count bytes.
[[nodiscard]] std::string place_in(std::string_view text, std::size_t offset);

/// A task as a client sees it.
struct task_face {
  task_id id;
  task_state state = task_state::queued;
  std::string_view specialist, department;
  priority urgency = priority::normal;
  failure why = failure::none;
  std::string_view output;         ///< JSON text, or the error message when `why` says so.
  std::uint64_t output_bytes = 0;  ///< Of the whole output, when it is left out.
  bool output_left_out = false;    ///< It is too long for a list.
  bool cold_start = false;
  std::uint32_t attempts = 0;
  pool_kind served_by = pool_kind::intelligent;
  double queue_ms = 0, start_ms = 0, run_ms = 0, total_ms = 0;
  std::int64_t accepted_unix_ms = 0, ended_unix_ms = 0;  ///< 0: not said.
  bool unwritten = false;  ///< The end is not in the journal, where it belongs.
};
/// Appends one JSON object.
void append_json(std::string& to, const task_face& task);

/// `Server-Timing` (W3C, milliseconds) and `X-Greenroom-Cold-Start`, as whole lines.
void append_timing_headers(std::string& to, const task_face& task);

/// Milliseconds with up to three digits after the point, which is microseconds; never exponents.
void append_ms(std::string& to, double ms);

}  // namespace greenroom::protocols
