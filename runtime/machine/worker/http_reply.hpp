// Interprets a server's answer to a task: form, error, result.
#pragma once

#include "protocols/server_events.hpp"
#include "protocols/task.hpp"
#include "protocols/upstream.hpp"
#include "runtime/machine/http/http_call.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::machine {

/// A Content-Type field: `type/subtype` in lower case, and the charset.
struct media_type {
  std::string name;
  std::string charset;
};
[[nodiscard]] media_type media_type_in(std::string_view field);

/// Converts text from a common single-byte charset (iso-8859-1, windows-1252) to UTF-8; returns
/// text in any other charset unchanged.
[[nodiscard]] std::string in_utf8(std::string text, std::string_view charset);

/// Reads one answer in pieces. The Content-Type determines the kind; without the field, the
/// answer's beginning does.
class http_reply {
public:
  using form_taker = std::function<void(protocols::stream_form)>;
  using piece_taker = std::function<void(std::string_view)>;

  /// `streaming`: `on_piece` gets the pieces. At most `kept_bytes_max` of a stream is kept for the
  /// result.
  http_reply(bool streaming, std::size_t kept_bytes_max, form_taker on_form, piece_taker on_piece);

  /// Takes the head of a 2xx answer. True: pass the body to `take`.
  [[nodiscard]] bool begin(const http_answer& head);
  /// False: stop, because the server reported an error or an event is too long.
  [[nodiscard]] bool take(std::string_view bytes);
  /// Ends the attempt. `is_unsafe`: the task must not be retried unless the server's answer is
  /// final.
  [[nodiscard]] protocols::attempt_result end(http_answer& answer, bool is_unsafe);

private:
  enum class kind : std::uint8_t { unknown, whole, text, events, lines };
  void decide(kind what);
  void take_text(std::string_view bytes);
  void take_lines(std::string_view bytes);
  void hand_on(std::string_view piece);
  void note_error(std::optional<protocols::told_error> error);
  [[nodiscard]] protocols::attempt_result result_of_stream(unsigned status);
  [[nodiscard]] protocols::attempt_result result_of_whole(http_answer& answer);

  const bool streaming_;
  const std::size_t kept_bytes_max_;
  const form_taker on_form_;
  const piece_taker on_piece_;
  kind kind_ = kind::unknown;
  std::string charset_;
  std::string first_;  ///< The beginning of an answer without a Content-Type, until the kind is
                       ///< known.
  std::string line_;
  protocols::server_events_reader events_;
  std::string kept_;
  std::size_t streamed_bytes_ = 0;
  bool streamed_ = false;  ///< A piece was passed on.
  std::optional<protocols::told_error> error_;
  std::string fault_;
};

/// Returns the failure for an error status, with the server's error.
[[nodiscard]] protocols::attempt_result refusal_of(const http_answer& answer);

}  // namespace greenroom::machine
