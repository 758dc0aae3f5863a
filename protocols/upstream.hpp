// What the server behind a worker answered when it failed, kept for whoever asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// So much of an error's body is kept and told.
inline constexpr std::size_t upstream_bytes_max = std::size_t{64} << 10;

struct upstream_answer {
  int status = 0;  ///< Of HTTP, as the server sent it; may be 200.
  /// What the error amounts to: the status, or the one that the error object of a 200 names, or
  /// 502 when it names none.
  int error_status = 0;
  std::string body;  ///< At most `upstream_bytes_max`.
};

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
