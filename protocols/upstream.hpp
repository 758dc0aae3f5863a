// Finds the error in what the server behind a worker answered, and tells it on.
#pragma once

#include "protocols/task_types.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// An error in a body whose status says that all is well.
struct told_error {
  int status = 502;     ///< 4xx or 5xx when the object names one.
  std::string message;  ///< For people, at most some hundred bytes.
  std::string body;     ///< One JSON object with a member "error".
};

/// Looks for a member "error" of a JSON object: an object that is not empty, a text that is not
/// empty, or true. An object that has choices all the same is a completion and none.
[[nodiscard]] std::optional<told_error> error_in(std::string_view json_text);
/// The data of an event whose type is `error`, or any that `error_in` takes for one.
[[nodiscard]] std::optional<told_error> error_in_event(std::string_view type,
                                                       std::string_view data);

/// The answer as an error object of OpenAI's, `{"error":{"message",…}}`: as the server sent it when
/// it has that form, otherwise with its message in it. `detail` is what is said when it has none.
[[nodiscard]] std::string as_error_object(const upstream_answer& answer, std::string_view detail);

}  // namespace greenroom::protocols
