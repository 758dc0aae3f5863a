// Parses the body of `POST /v1/tasks` and `POST /v1/workflows/{name}`; formats a task as JSON.
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/task_request.hpp"
#include "protocols/task_view.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// A request over HTTP: what to do, and when to answer.
struct http_task {
  /// Which of `specialist`, `department` and `command` are set is not checked here. `input` is a
  /// part of the body, unchanged. An asynchronous task, and a task with an idempotency key, is
  /// durable.
  task_request request;
  bool async = false;  ///< Answer once the task is in the journal.
};

/// An error in a body: a sentence that names the field and the position.
struct bad_body {
  std::string detail;
  std::size_t offset = 0;  ///< In bytes, where the error begins.
};

/// Checks once that the whole text is JSON (RFC 8259, UTF-8, nesting up to `depth_max`). Unknown
/// and repeated fields are errors.
[[nodiscard]] base::expected<http_task, bad_body> parse_http_task(std::string_view body,
                                                                  int depth_max);

/// Parses an `Idempotency-Key` field: a quoted string (draft-ietf-httpapi-idempotency-key-header)
/// or, as most clients send, plain text. An empty key, a key that is too long, and a key that is
/// not printable ASCII are errors.
[[nodiscard]] base::expected<std::string> idempotency_key_in(std::string_view field);

/// "line 3, column 14" of a byte, both from 1; columns count bytes.
[[nodiscard]] std::string place_in(std::string_view text, std::size_t offset);

/// Appends one JSON object. `output` stands for `task.output`, so that a long output need not be
/// copied into the view.
void append_json(std::string& to, const task_view& task, std::string_view output);
inline void append_json(std::string& to, const task_view& task) {
  append_json(to, task, task.output);
}

/// `Server-Timing` (W3C, milliseconds) and `X-Greenroom-Cold-Start`, as whole lines.
void append_timing_headers(std::string& to, const task_view& task);

/// Milliseconds with up to three decimals; never an exponent.
void append_ms(std::string& to, double ms);

}  // namespace greenroom::protocols
