// What a server's answer to a task means: its form, its errors, its result.
#pragma once

#include "protocols/server_events.hpp"
#include "protocols/task.hpp"
#include "protocols/upstream.hpp"
#include "runtime/machine/worker/http_call.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace greenroom::machine {

/// `type/subtype` in lower case and the charset of a Content-Type field.
struct media_type {
  std::string name;
  std::string charset;
};
[[nodiscard]] media_type media_type_in(std::string_view field);

/// Text of one of the single-byte charsets that are still met (iso-8859-1, windows-1252) as UTF-8;
/// of any other as it is.
[[nodiscard]] std::string in_utf8(std::string text, std::string_view charset);

/// Reads one answer as it comes. What it is, its Content-Type says; only where there is none, its
/// beginning is looked at.
class http_reply {
public:
  using form_taker = std::function<void(protocols::stream_form)>;
  using piece_taker = std::function<void(std::string_view)>;

  /// `streaming`: whoever asked wants pieces, and `on_piece` gets them. At most `kept_bytes_max` of
  /// what is streamed is kept for the result.
  http_reply(bool streaming, std::size_t kept_bytes_max, form_taker on_form, piece_taker on_piece);

  /// The head of a 2xx answer. True: its body is to be given to `take`.
  [[nodiscard]] bool begin(const http_answer& head);
  /// False when nothing more is wanted: the server told an error, or an event is too long.
  [[nodiscard]] bool take(std::string_view bytes);
  /// The end of the attempt. `is_unsafe`: it may not be run again unless the server is through.
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
  std::string first_;  ///< Of an answer without a Content-Type, until its kind is known.
  std::string line_;
  protocols::server_events_reader events_;
  std::string kept_;
  std::size_t streamed_bytes_ = 0;
  bool streamed_ = false;  ///< Something was handed on.
  std::optional<protocols::told_error> error_;
  std::string fault_;
};

/// A failure for the status, as the server told it.
[[nodiscard]] protocols::attempt_result refusal_of(const http_answer& answer);

}  // namespace greenroom::machine
