#include "protocols/worker_jsonl.hpp"

#include "protocols/json_text.hpp"
#include "protocols/task.hpp"

#include <charconv>

namespace greenroom::protocols {
namespace {

class jsonl_codec final : public worker_codec {
public:
  explicit jsonl_codec(std::size_t line_bytes_max) : lines_{line_bytes_max} {}

  std::string add_task(std::string& out, std::string_view name, std::string_view input,
                       std::int64_t timeout_ms) override {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, timeout_ms).ptr;
    out.reserve(out.size() + input.size() + name.size() + 80);
    out += R"({"type":"task","id":")";
    out += name;
    out += R"(","input":)";
    append_one_line(out, input);
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
    const bool fits = lines_.feed(bytes, [&](std::string_view line) {
      understand(line, listener);
      return !broken_;
    });
    if (!fits && !broken_) complain("a line longer than allowed", listener);
    for (auto* const room : {&key_room_, &type_room_, &id_room_, &text_room_}) release_large(*room);
  }

private:
  void complain(std::string_view why, worker_listener& listener) {
    broken_ = true;
    worker_message said;
    said.text = why;
    listener.on_message(said);
  }

  void understand(std::string_view line, worker_listener& listener) {
    if (line.empty()) return;
    std::string_view type, id, text, output = "null";
    bool strings = true;
    worker_message said;
    const bool valid = each_member(line, [&](std::string_view raw_key, std::string_view value) {
      const auto key = unescape(raw_key, key_room_);
      if (key == "type")
        strings &= string_value(value, type_room_, type);
      else if (key == "id")
        strings &= string_value(value, id_room_, id);
      else if (key == "message" || key == "text")
        strings &= string_value(value, text_room_, text);
      else if (key == "output")
        output = value;
      else if (key == "retryable")
        said.retryable = value == "true";
    });
    if (!valid) return complain("a line that is not one JSON object", listener);
    if (!strings) return complain("a type, id, message or text that is not a string", listener);
    said.id = id;
    said.text = text;
    if (type == "result") {
      said.word = worker_word::result;
      said.text = output;
    } else if (type == "error") {
      said.word = worker_word::error;
    } else if (type == "chunk") {
      said.word = worker_word::chunk;
    } else if (type == "ready") {
      said.word = worker_word::ready;
    } else if (type == "pong") {
      said.word = worker_word::pong;
    } else {
      return complain("a message whose type is none of ready, result, error, chunk and pong",
                      listener);
    }
    listener.on_message(said);
  }

  line_cutter lines_;
  bool broken_ = false;
  std::string key_room_, type_room_, id_room_, text_room_;
};

}  // namespace

std::string wire_name(const task_id& id, std::uint32_t attempt) {
  constexpr char hex[] = "0123456789abcdef";
  std::string result(32, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    result[15 - i] = hex[id.epoch >> (4 * i) & 15];
    result[31 - i] = hex[id.number >> (4 * i) & 15];
  }
  if (attempt > 1) result += "-" + std::to_string(attempt);
  return result;
}

std::unique_ptr<worker_codec> make_jsonl_codec(std::size_t line_bytes_max) {
  return std::make_unique<jsonl_codec>(line_bytes_max);
}

}  // namespace greenroom::protocols
