#include "protocols/worker_jsonl.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/task.hpp"
#include "protocols/worker_line.hpp"

#include <algorithm>
#include <charconv>

namespace greenroom::protocols {
namespace {

class jsonl_codec final : public worker_codec {
public:
  explicit jsonl_codec(std::size_t line_bytes_max) : lines_{line_bytes_max} {}

  base::expected<void> add_task(std::string& out, std::string_view name, std::string_view input,
                                std::int64_t timeout_ms) override {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, timeout_ms).ptr;
    out.reserve(out.size() + input.size() + name.size() + 80);
    out += R"({"type":"task","id":")";
    out += name;
    out += R"(","input":)";
    base::append_one_line(out, input);
    out += R"(,"timeout_ms":)";
    out.append(digits, end);
    out += "}\n";
    return {};
  }

  bool add_ping(std::string& out) override {
    out += "{\"type\":\"ping\"}\n";
    return true;
  }

  void feed(std::string_view bytes, worker_listener& listener) override {
    if (broken_) return;
    const bool ends = lines_.feed(
        bytes,
        [&](std::string_view line) {
          understand(line, listener);
          return true;
        },
        [&](const line_cutter::long_line& line) { skip(line, listener); });
    for (auto* const room :
         {&key_room_, &type_room_, &id_room_, &text_room_, &output_room_, &mended_})
      release_large(*room);
    if (ends) return;
    broken_ = true;
    tell_endless(listener, lines_.endless_bytes());
  }

  void finish(worker_listener& listener) override {
    if (broken_) return;
    // A last line that is incomplete was lost with the worker.
    lines_.finish(
        [&](std::string_view line) {
          line = without_ornament(line);
          if (!line.empty() && !take_messages(line, listener)) tell_stray(listener, line);
        },
        [&](const line_cutter::long_line& line) { tell_stray(listener, line.head); });
  }

private:
  /// A skipped line that is no answer fails no task.
  void skip(const line_cutter::long_line& line, worker_listener& listener) {
    auto head = without_ornament(line.head);
    // Text without a line end may precede the message.
    if (!head.starts_with('{')) head.remove_prefix(std::min(message_start(head, 0), head.size()));
    const auto id = base::decode_string(id_in_pieces(head, line.tail), id_room_).value_or("");
    const auto type = member_in_pieces(head, line.tail, "type");
    if (head.empty() || (type.empty() ? id.empty() : !is_answer(type)))
      return tell_stray(listener, line.head, line.bytes);
    tell(listener, worker_word::too_long, id, {}, line.bytes);
  }

  /// `type` is raw text.
  static bool is_answer(std::string_view type) {
    return type == R"("result")" || type == R"("error")" || type == R"("chunk")";
  }

  void understand(std::string_view line, worker_listener& listener) {
    line = without_ornament(line);
    if (line.empty()) return;
    if (take_messages(line, listener)) return;
    if (line.front() == '{') {
      // Some programs write text without a conversion to UTF-8.
      mended_ = base::mend_utf8(line);
      if (mended_.size() != line.size() && take_messages(mended_, listener)) return;
      if (looks_like_an_answer(line)) {
        const auto id = base::decode_string(id_in_pieces(line, line), id_room_).value_or("");
        const auto why = fault_of(line) + ": " + quoted_bytes(line);
        return tell(listener, worker_word::broken, id, why, line.size());
      }
    } else if (const auto at = message_start(line, 1); at != std::string_view::npos) {
      // Text without a line end precedes the message.
      if (take_messages(line.substr(at), listener)) line = line.substr(0, at);
    }
    tell_stray(listener, line);
  }

  static bool looks_like_an_answer(std::string_view line) {
    if (line.find(R"("type")") == std::string_view::npos) return false;
    if (const auto type = member_in_pieces(line, line, "type"); !type.empty())
      return is_answer(type);
    return line.find(R"("result")") != std::string_view::npos
           || line.find(R"("error")") != std::string_view::npos;
  }

  /// Takes one message, or several in a row. False: `line` begins with none, and none was passed
  /// on.
  bool take_messages(std::string_view line, worker_listener& listener) {
    for (bool first = true; !line.empty(); first = false) {
      const auto length = take_message(line, listener);
      if (length == 0) {
        if (!first) tell_stray(listener, line);
        return !first;
      }
      line = without_ornament(line.substr(length));
    }
    return true;
  }

  /// Returns the length of the message at the beginning of `line`; 0: there is none.
  std::size_t take_message(std::string_view line, worker_listener& listener) {
    std::string_view type, id, text, output = "null", message;
    worker_message said;
    base::json_deaf nobody;
    base::json_scanner<base::json_deaf> scan{line, nobody};
    const bool valid =
        base::each_member(scan, [&](std::string_view raw_key, std::string_view value) {
          const auto key = base::unescape(raw_key, key_room_);
          if (key == "type")
            type = base::decode_string(value, type_room_).value_or(type);
          else if (key == "id")
            id = base::decode_string(value, id_room_).value_or(id);
          else if (key == "message" || key == "text")
            message = value;
          else if (key == "output")
            output = value;
          else if (key == "retryable")
            said.retryable = value == "true";
        });
    if (!valid) return 0;
    const auto length = static_cast<std::size_t>(scan.position() - line.data());
    // A message for people may have any type.
    if (!message.empty()) text = base::decode_string(message, text_room_).value_or(message);
    said.id = id;
    said.text = text;
    said.bytes = length;
    std::string fault;
    if (type == "result") {
      said.word = worker_word::result;
      said.text = mended(output);
      const auto number =
          scan.has_beyond_double() ? base::number_beyond_double(output) : std::string_view{};
      if (!number.empty()) {
        fault = fault_of_number(number) + ": " + quoted_bytes(line.substr(0, length));
        said.word = worker_word::broken;
        said.text = fault;
      }
    } else if (type == "error") {
      said.word = worker_word::error;
    } else if (type == "chunk") {
      said.word = worker_word::chunk;
    } else if (type == "ready") {
      said.word = worker_word::ready;
    } else if (type == "pong") {
      said.word = worker_word::pong;
    } else {
      return 0;
    }
    listener.on_message(said);
    return length;
  }

  /// Replaces lone surrogates in text that is passed on.
  std::string_view mended(std::string_view output) {
    if (output.find("\\ud") == std::string_view::npos
        && output.find("\\uD") == std::string_view::npos)
      return output;
    output_room_ = output;
    base::mend_halves(output_room_);
    return output_room_;
  }

  line_cutter lines_;
  bool broken_ = false;
  std::string key_room_, type_room_, id_room_, text_room_, output_room_, mended_;
};

}  // namespace

std::string wire_name(const task_id& id, std::uint32_t attempt) {
  auto result = to_string(id);
  if (attempt > 1) result += "-" + std::to_string(attempt);
  return result;
}

std::unique_ptr<worker_codec> make_jsonl_codec(std::size_t line_bytes_max) {
  return std::make_unique<jsonl_codec>(line_bytes_max);
}

}  // namespace greenroom::protocols
