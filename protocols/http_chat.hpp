// The chat completions of OpenAI's HTTP interface: what a client asks, and a worker's answer in the
// shapes that its libraries expect (platform.openai.com/docs/api-reference/chat).
#pragma once

#include "protocols/problem.hpp"
#include "protocols/task.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace greenroom::protocols {

struct chat_request {
  std::string model;  ///< A specialist.
  bool stream = false;
  bool include_usage = false;  ///< `stream_options` asks for a chunk with the token counts.
  std::string user;            ///< Whose session it is; may be empty.
  bool many = false;           ///< More than one choice, which only a model server can make.
};

/// An error in OpenAI's form: `{"error":{"message","type","param","code"}}`.
struct chat_error {
  int status = 400;
  std::string message;
  std::string param;  ///< Empty: null.
  std::string code;   ///< Empty: null.
  /// The error as the server behind the worker told it, one whole object on one line; it is told
  /// instead of the others. Empty: there is none.
  std::string whole = {};
};
[[nodiscard]] std::string to_json(const chat_error& error);
/// The same for the failure of a task. `nearest` are models that were perhaps meant, as a sentence.
[[nodiscard]] chat_error chat_error_of(failure why, std::string detail);
/// The same of a task that has ended: with status and error object of the server behind its worker,
/// where that is what failed.
[[nodiscard]] chat_error chat_error_of(const task& done);

/// A problem of any route in this form: on OpenAI's paths its libraries look for nothing else.
[[nodiscard]] std::string openai_error(const problem& about);

[[nodiscard]] std::variant<chat_request, chat_error> parse_chat(std::string_view body,
                                                                int depth_max);

/// What the answers of one request have in common.
struct chat_frame {
  std::string id;            ///< "chatcmpl-…"
  std::int64_t created = 0;  ///< Unix seconds.
  std::string model;
  bool with_usage = false;  ///< Chunks say that their usage is null, as clients who asked expect.
};

/// A worker's output as a whole completion. An output that is a `chat.completion` already is passed
/// on as it is; a string, or the string in "content" or "text", becomes the assistant's message;
/// anything else is the message as JSON text. Token counts are not invented: there is no `usage`
/// unless the worker gave one.
[[nodiscard]] std::string chat_completion(const chat_frame& frame, std::string_view output);

/// The same of an output that is a stream's whole text, as a JSON string: events of OpenAI's form
/// are put together, lines of Ollama's too; what is neither is the message's text.
[[nodiscard]] std::string chat_completion_of_stream(const chat_frame& frame, stream_form form,
                                                    std::string_view output);
/// The text that one line of a stream by line adds to the message: that of Ollama's `message` or
/// `response`, of `content` or `text`; the line itself when it has none of them.
[[nodiscard]] std::string chat_text_of_line(std::string_view line);

/// One event of a stream, `data: {…}\n\n`.
[[nodiscard]] std::string chat_first_chunk(const chat_frame& frame);
[[nodiscard]] std::string chat_content_chunk(const chat_frame& frame, std::string_view piece);
[[nodiscard]] std::string chat_last_chunk(const chat_frame& frame, std::string_view finish_reason);
/// The chunk after the last one, without a choice, for those who asked for the usage. Empty when
/// the worker gave none: nothing is counted here, and a stream may end without this chunk.
[[nodiscard]] std::string chat_usage_chunk(const chat_frame& frame, std::string_view output);
/// The content chunks (all but the first and last) that a whole output comes to.
[[nodiscard]] std::string chat_whole_as_chunks(const chat_frame& frame, std::string_view output,
                                               std::string& finish_reason);
[[nodiscard]] std::string chat_error_chunk(const chat_error& error);
constexpr std::string_view chat_done = "data: [DONE]\n\n";

/// Cuts a byte stream where UTF-8 sequences end: a worker's piece may end in the middle of one.
class utf8_joiner {
public:
  /// What can be sent now. The view is good until the next call.
  [[nodiscard]] std::string_view next(std::string_view piece);

private:
  std::string held_;
  std::string ready_;
};

}  // namespace greenroom::protocols
