#include "runtime/machine/worker/http_reply.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/worker_codec.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <utility>

namespace greenroom::machine {

namespace {

using protocols::attempt_result, protocols::failure, protocols::stream_form;

constexpr std::size_t message_excerpt = 300;

std::string lower_trimmed(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c != ' ' && c != '\t' && c != '"')
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// 5xx, Request Timeout, Too Early and Too Many Requests: a retry may succeed.
bool may_come_right(int status) {
  return status >= 500 || status == 408 || status == 425 || status == 429;
}

attempt_result failed_for(const protocols::told_error& error, int status) {
  auto answer = std::make_shared<protocols::upstream_answer>();
  answer->status = status;
  answer->error_status = error.status;
  answer->body = error.body;
  const bool later = may_come_right(error.status);
  return {later ? failure::worker_failed : failure::refused,
          later,
          "the server answered " + std::to_string(status) + " with an error: " + error.message,
          0,
          true,
          std::move(answer)};
}

}  // namespace

media_type media_type_in(std::string_view field) {
  media_type result;
  auto rest = field;
  const auto take = [&rest] {
    const auto end = std::min(rest.find(';'), rest.size());
    auto part = lower_trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
  };
  result.name = take();
  while (!rest.empty()) {
    const auto parameter = take();
    constexpr std::string_view wanted = "charset=";
    if (parameter.starts_with(wanted) && result.charset.empty())
      result.charset = parameter.substr(wanted.size());
  }
  return result;
}

std::string in_utf8(std::string text, std::string_view charset) {
  constexpr std::array<std::string_view, 5> single{"iso-8859-1", "latin1", "windows-1252", "cp1252",
                                                   "iso8859-1"};
  if (std::ranges::find(single, charset) == single.end()) return text;
  // windows-1252 from 0x80 to 0x9f; browsers read iso-8859-1 in the same way.
  constexpr std::array<char16_t, 32> upper{
      0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
      0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178};
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const unsigned code = byte >= 0x80 && byte < 0xa0 ? upper[byte - 0x80U] : byte;
    if (code < 0x80) {
      result += c;
    } else if (code < 0x800) {
      result += static_cast<char>(0xc0U | code >> 6U);
      result += static_cast<char>(0x80U | (code & 0x3fU));
    } else {
      result += static_cast<char>(0xe0U | code >> 12U);
      result += static_cast<char>(0x80U | (code >> 6U & 0x3fU));
      result += static_cast<char>(0x80U | (code & 0x3fU));
    }
  }
  return result;
}

attempt_result refusal_of(const http_answer& answer) {
  const auto status = static_cast<int>(answer.status);
  auto message = "HTTP " + std::to_string(status);
  if (status < 400) {
    message += answer.location.empty()
                   ? " (redirects are not followed)"
                   : " to " + answer.location.substr(0, message_excerpt)
                         + " (redirects are not followed; write that place into url and path)";
  } else if (!answer.body.empty()) {
    message += ": " + answer.body.substr(0, message_excerpt);
  }
  auto kept = std::make_shared<protocols::upstream_answer>();
  kept->status = status;
  // For a client of this node, a redirect by the upstream server is a gateway error.
  kept->error_status = status < 400 ? 502 : status;
  kept->body = in_utf8(answer.body, media_type_in(answer.content_type).charset);
  const bool later = may_come_right(status);
  // A gateway that lost its upstream server does not know whether the task ran.
  const bool lost = status == 502 || status == 504;
  return {later ? failure::worker_failed : failure::refused,
          later,
          std::move(message),
          later ? answer.retry_after_ms : 0,
          !lost,
          std::move(kept)};
}

http_reply::http_reply(bool streaming, std::size_t kept_bytes_max, form_taker on_form,
                       piece_taker on_piece)
    : streaming_{streaming},
      kept_bytes_max_{kept_bytes_max},
      on_form_{std::move(on_form)},
      on_piece_{std::move(on_piece)},
      events_{kept_bytes_max} {}

void http_reply::decide(kind what) {
  kind_ = what;
  if (what == kind::whole || !on_form_) return;
  on_form_(what == kind::events  ? stream_form::events
           : what == kind::lines ? stream_form::lines
                                 : stream_form::text);
}

bool http_reply::begin(const http_answer& head) {
  const auto type = media_type_in(head.content_type);
  charset_ = type.charset;
  constexpr std::array<std::string_view, 6> by_line{
      "application/x-ndjson", "application/ndjson",     "application/jsonl",
      "application/x-jsonl",  "application/jsonl+json", "application/x-jsonlines"};
  if (type.name == "text/event-stream") {
    decide(kind::events);
  } else if (std::ranges::find(by_line, type.name) != by_line.end()) {
    decide(kind::lines);
  } else if (type.name == "application/json" || type.name.ends_with("+json")) {
    decide(kind::whole);
  } else if (!type.name.empty()) {
    decide(streaming_ ? kind::text : kind::whole);
  } else if (!streaming_) {
    return false;  // The beginning is examined once the body is complete.
  }
  return streaming_ && kind_ != kind::whole;
}

namespace {

/// The kind of a body without a Content-Type, from its beginning; undecided: needs more bytes.
enum class beginning : std::uint8_t { undecided, json, events, text };

beginning beginning_of(std::string_view text, bool whole) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.empty()) return whole ? beginning::text : beginning::undecided;
  if (text.front() == '{' || text.front() == '[') return beginning::json;
  for (const std::string_view field : {"data:", "event:", "id:", "retry:", ":"}) {
    if (text.starts_with(field)) return beginning::events;
    if (!whole && field.starts_with(text)) return beginning::undecided;
  }
  return beginning::text;
}

}  // namespace

bool http_reply::take(std::string_view bytes) {
  std::string together;
  if (kind_ == kind::unknown) {
    first_ += bytes;
    switch (beginning_of(first_, false)) {
      case beginning::undecided: return true;
      // JSON is not streamed; it is kept here, since the call does not keep a streamed body.
      case beginning::json: decide(kind::whole); break;
      case beginning::events: decide(kind::events); break;
      case beginning::text: decide(kind::text); break;
    }
    together = std::exchange(first_, {});
    bytes = together;
  }
  switch (kind_) {
    case kind::unknown: break;
    case kind::whole:
      streamed_bytes_ += bytes.size();
      if (kept_.size() + bytes.size() > kept_bytes_max_) {
        fault_ = "answered more than limits.output_bytes allows (" + std::to_string(kept_bytes_max_)
                 + " bytes)";
        return false;
      }
      kept_ += bytes;
      break;
    case kind::text: take_text(bytes); break;
    case kind::lines: take_lines(bytes); break;
    case kind::events: {
      std::string piece;
      const auto fits = events_.feed(bytes, [&](const protocols::server_event& event) {
        if (error_) return;
        if (!event.is_comment) note_error(protocols::error_in_event(event.type, event.data));
        if (!error_) protocols::append_event(piece, event);
      });
      hand_on(piece);
      if (!fits)
        fault_ = "sent an event that is longer than limits.output_bytes allows ("
                 + std::to_string(kept_bytes_max_) + " bytes)";
      break;
    }
  }
  return !error_ && fault_.empty();
}

void http_reply::take_text(std::string_view bytes) {
  if (charset_.empty() || charset_ == "utf-8") return hand_on(bytes);
  hand_on(in_utf8(std::string{bytes}, charset_));
}

void http_reply::take_lines(std::string_view bytes) {
  std::string piece;
  while (!bytes.empty() && !error_ && fault_.empty()) {
    const auto end = bytes.find('\n');
    line_ += bytes.substr(0, end == std::string_view::npos ? end : end + 1);
    if (line_.size() > kept_bytes_max_)
      fault_ = "sent a line that is longer than limits.output_bytes allows ("
               + std::to_string(kept_bytes_max_) + " bytes)";
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    note_error(protocols::error_in(line_));
    if (!error_) piece += line_;
    line_.clear();
  }
  hand_on(piece);
}

void http_reply::hand_on(std::string_view piece) {
  if (piece.empty()) return;
  streamed_ = true;
  streamed_bytes_ += piece.size();
  if (streamed_bytes_ <= kept_bytes_max_)
    kept_ += piece;
  else
    std::string{}.swap(kept_);  // The stream's reader has the whole text.
  if (on_piece_) on_piece_(piece);
}

void http_reply::note_error(std::optional<protocols::told_error> error) {
  if (error && !error_) error_ = std::move(error);
}

attempt_result http_reply::end(http_answer& answer, bool is_unsafe) {
  attempt_result result;
  if (error_) {
    result = failed_for(*error_, static_cast<int>(answer.status == 0 ? 200 : answer.status));
  } else if (!fault_.empty()) {
    return {failure::worker_failed, false, "the server " + fault_, 0, true, {}};
  } else if (!answer.failure.empty()) {
    result = {failure::worker_failed,    !answer.is_final,
              std::move(answer.failure), 0,
              answer.is_final,           {}};
  } else if (answer.status < 200 || answer.status >= 300) {
    return refusal_of(answer);
  } else if (streaming_ && kind_ != kind::whole && (kind_ != kind::unknown || !first_.empty())) {
    result = result_of_stream(answer.status);
  } else {
    if (streaming_ && answer.body.empty()) answer.body = std::move(kept_);
    result = result_of_whole(answer);
  }
  // The reader of the stream has the answer's beginning, so a retry could not start anew. An unsafe
  // task's effects are unknown unless the server answered; the caller decides on that case.
  if (streamed_ && result.why != failure::none && (result.answered || !is_unsafe))
    result.retryable = false;
  return result;
}

attempt_result http_reply::result_of_stream(unsigned status) {
  if (kind_ == kind::unknown) {
    decide(beginning_of(first_, true) == beginning::events ? kind::events : kind::text);
    (void)take(std::exchange(first_, {}));
  }
  if (kind_ == kind::events)
    events_.finish([this](const protocols::server_event& event) {
      if (!event.is_comment) note_error(protocols::error_in_event(event.type, event.data));
      std::string piece;
      protocols::append_event(piece, event);
      if (!error_) hand_on(piece);
    });
  if (kind_ == kind::lines && !line_.empty()) {
    note_error(protocols::error_in(line_));
    if (!error_) hand_on(std::exchange(line_, {}));
  }
  if (error_) return failed_for(*error_, static_cast<int>(status));
  if (streamed_bytes_ > kept_bytes_max_)
    return {
        failure::none, false, R"({"streamed_bytes":)" + std::to_string(streamed_bytes_) + "}", 0,
        false,         {}};
  return {failure::none, false, base::json_string(kept_), 0, false, {}};
}

attempt_result http_reply::result_of_whole(http_answer& answer) {
  auto body = in_utf8(std::move(answer.body), charset_);
  constexpr std::string_view mark = "\xef\xbb\xbf";
  const auto status = static_cast<int>(answer.status);
  if (kind_ == kind::unknown && beginning_of(body, true) == beginning::events) decide(kind::events);
  if (kind_ == kind::events) {
    protocols::server_events_reader reader{body.size() + 1};
    const auto look = [this](const protocols::server_event& event) {
      if (!event.is_comment) note_error(protocols::error_in_event(event.type, event.data));
    };
    reader.feed(body, look);
    reader.finish(look);
    if (error_) return failed_for(*error_, status);
    return {failure::none, false, base::json_string(body), 0, false, {}};
  }
  if (body.starts_with(mark)) body.erase(0, mark.size());
  if (body.empty()) return {failure::none, false, "null", 0, false, {}};
  if (kind_ == kind::lines) {
    for (std::string_view rest = body; !rest.empty() && !error_;) {
      const auto end = std::min(rest.find('\n'), rest.size());
      note_error(protocols::error_in(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (error_) return failed_for(*error_, status);
  }
  if (!base::make_json(body)) return {failure::none, false, base::json_string(body), 0, false, {}};
  if (auto told = protocols::error_in(body)) return failed_for(*told, status);
  if (body.find('\n') == std::string::npos)
    return {failure::none, false, std::move(body), 0, false, {}};
  std::string line;
  base::append_one_line(line, body);
  return {failure::none, false, std::move(line), 0, false, {}};
}

}  // namespace greenroom::machine
