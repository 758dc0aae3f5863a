// A failed answer of the server behind a worker, kept for the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// Limit on the kept part of an error's body.
inline constexpr std::size_t upstream_bytes_max = std::size_t{64} << 10;

struct upstream_answer {
  int status = 0;  ///< The HTTP status as received; may be 200.
  /// The error's effective status: the HTTP status, or for a 200 the status in the error object, or
  /// 502 when there is none.
  int error_status = 0;
  std::string body;  ///< At most `upstream_bytes_max`.
};

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
