// The error in a failed answer of the server behind a worker, kept for the caller.
#pragma once

#include "protocols/task_types.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// An error in the body of an answer with a success status.
struct told_error {
  int status = 502;     ///< 4xx or 5xx when the object names one.
  std::string message;  ///< For people, at most some hundred bytes.
  std::string body;     ///< One JSON object with a member "error".
};

/// Finds a member "error" in a JSON object: a non-empty object, a non-empty string, or true. An
/// object that also has choices is a completion, not an error.
[[nodiscard]] std::optional<told_error> error_in(std::string_view json_text);
/// The same for an event's data; an event of type `error` always counts.
[[nodiscard]] std::optional<told_error> error_in_event(std::string_view type,
                                                       std::string_view data);

/// Returns the answer as OpenAI's error object, `{"error":{"message",…}}`: unchanged if it has that
/// form, else with the answer's message, or with `detail` when there is no message.
[[nodiscard]] std::string as_error_object(const upstream_answer& answer, std::string_view detail);

}  // namespace greenroom::protocols
