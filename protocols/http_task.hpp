// Parses the body of `POST /v1/tasks` and `POST /v1/workflows/{name}`; formats a task as JSON.
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
  std::string specialist, department, command;  ///< Which of these are set is not checked here.
  std::string input = "null";                   ///< Valid JSON text, unchanged.
  priority urgency = priority::normal;
  std::optional<std::int64_t> timeout_ms;  ///< At least 1.
  bool async = false;
  bool durable = false;
  std::string idempotency_key;
  std::string case_id;
};

/// An error in a body: a sentence that names the field and the position.
struct bad_body {
  std::string detail;
  std::size_t offset = 0;  ///< In bytes, where the error begins.
};

/// Checks once that the whole text is JSON (RFC 8259, UTF-8, nesting up to `depth_max`); `input` is
/// a slice of the text. Unknown and repeated fields are errors.
[[nodiscard]] std::variant<http_task, bad_body> parse_http_task(std::string_view body,
                                                                int depth_max);

/// Parses an `Idempotency-Key` field: a quoted string (draft-ietf-httpapi-idempotency-key-header)
/// or, as most clients send, plain text. Returns nothing when the key is empty, too long, or not
/// printable ASCII.
[[nodiscard]] std::optional<std::string> idempotency_key_in(std::string_view field);

/// "line 3, column 14" of a byte, both from 1; columns count bytes.
[[nodiscard]] std::string place_in(std::string_view text, std::size_t offset);

/// The client's view of a task.
struct task_face {
  task_id id;
  task_state state = task_state::queued;
  std::string_view specialist, department;
  priority urgency = priority::normal;
  failure why = failure::none;
  std::string_view output;         ///< JSON text, or the error message when `why` is set.
  std::uint64_t output_bytes = 0;  ///< Size of the whole output, when it is left out.
  bool output_left_out = false;    ///< The output is too long for a list.
  bool cold_start = false;
  std::uint32_t attempts = 0;
  pool_kind served_by = pool_kind::intelligent;
  double queue_ms = 0, start_ms = 0, run_ms = 0, total_ms = 0;
  std::int64_t accepted_unix_ms = 0, ended_unix_ms = 0;  ///< 0: unknown.
  bool unwritten = false;  ///< The end was reported but could not be journaled.
};
/// Appends one JSON object.
void append_json(std::string& to, const task_face& task);

/// `Server-Timing` (W3C, milliseconds) and `X-Greenroom-Cold-Start`, as whole lines.
void append_timing_headers(std::string& to, const task_face& task);

/// Milliseconds with up to three decimals; never an exponent.
void append_ms(std::string& to, double ms);

}  // namespace greenroom::protocols
