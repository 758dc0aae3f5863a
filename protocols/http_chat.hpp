// OpenAI's chat completions over HTTP: a client's request, and a worker's answer in the form that
// OpenAI's libraries expect (platform.openai.com/docs/api-reference/chat).
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/problem.hpp"
#include "protocols/task.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::protocols {

struct chat_request {
  std::string model;  ///< The name of a specialist.
  bool stream = false;
  bool include_usage = false;  ///< `stream_options` asks for a chunk with the token counts.
  std::string user;            ///< The session's user; may be empty.
  bool many = false;           ///< More than one choice, which only a model server supports.
};

/// An error in OpenAI's form: `{"error":{"message","type","param","code"}}`.
struct chat_error {
  int status = 400;
  std::string message;
  std::string param;  ///< Empty: null.
  std::string code;   ///< Empty: null.
  /// The upstream server's error object, on one line; sent instead of the other members. Empty:
  /// none.
  std::string whole = {};
};
[[nodiscard]] std::string to_json(const chat_error& error);
/// The same for a task's failure. `nearest` are models with similar names, as a sentence.
[[nodiscard]] chat_error chat_error_of(failure why, std::string detail);
/// The same for an ended task: with the upstream server's status and error object, if that server
/// caused the failure.
[[nodiscard]] chat_error chat_error_of(const task& done);

/// A problem of any route in OpenAI's form, the only form that OpenAI's libraries understand.
[[nodiscard]] std::string openai_error(const problem& about);

[[nodiscard]] base::expected<chat_request, chat_error> parse_chat(std::string_view body,
                                                                  int depth_max);

/// The common members of one request's answers.
struct chat_frame {
  std::string id;            ///< "chatcmpl-…"
  std::int64_t created = 0;  ///< Unix seconds.
  std::string model;
  bool with_usage = false;  ///< Chunks contain `"usage":null`, as clients that asked for the usage
                            ///< expect.
};

/// Formats a worker's output as a whole completion. A `chat.completion` is passed on unchanged; a
/// string, or the string in "content" or "text", becomes the assistant's message; any other output
/// is the message as JSON text. Token counts are never estimated: no `usage` unless the worker gave
/// one.
[[nodiscard]] std::string chat_completion(const chat_frame& frame, std::string_view output);

/// The same for a stream's whole text, as a JSON string: joins events of OpenAI's form and lines of
/// Ollama's form; other text is the message's text.
[[nodiscard]] std::string chat_completion_of_stream(const chat_frame& frame, stream_form form,
                                                    std::string_view output);
/// The text that one line of a stream adds to the message: Ollama's `message` or `response`, or
/// `content` or `text`; the line itself when it has none of these.
[[nodiscard]] std::string chat_text_of_line(std::string_view line);

/// One event of a stream, `data: {…}\n\n`.
[[nodiscard]] std::string chat_first_chunk(const chat_frame& frame);
[[nodiscard]] std::string chat_content_chunk(const chat_frame& frame, std::string_view piece);
[[nodiscard]] std::string chat_last_chunk(const chat_frame& frame, std::string_view finish_reason);
/// The chunk after the last one, without a choice, for clients that asked for the usage. Empty when
/// the worker gave no usage: a stream may end without this chunk.
[[nodiscard]] std::string chat_usage_chunk(const chat_frame& frame, std::string_view output);
struct chat_content {
  std::string chunks;
  std::string finish_reason = "stop";
};
/// The content chunks of a whole output (without the first and the last chunk).
[[nodiscard]] chat_content chat_whole_as_chunks(const chat_frame& frame, std::string_view output);
[[nodiscard]] std::string chat_error_chunk(const chat_error& error);
constexpr std::string_view chat_done = "data: [DONE]\n\n";

/// Cuts a byte stream at the ends of UTF-8 sequences, because a worker's piece may end inside one.
class utf8_joiner {
public:
  /// Returns the bytes that can be sent now. The view is valid until the next call.
  [[nodiscard]] std::string_view next(std::string_view piece);

private:
  std::string held_;
  std::string ready_;
};

}  // namespace greenroom::protocols
