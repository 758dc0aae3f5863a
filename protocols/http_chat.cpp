#include "protocols/http_chat.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/upstream.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace greenroom::protocols {

namespace {

using base::json_array, base::json_object, base::json_raw;

std::string type_of(int status) {
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

/// Empty texts are null.
base::json_value text_or_null(std::string_view text) {
  return text.empty() ? base::json_value{nullptr} : base::json_value{text};
}

/// One line, because an event ends at an empty line.
std::string on_one_line(std::string_view json) {
  std::string result;
  base::append_one_line(result, json);
  return result;
}

json_object begin_frame(const chat_frame& frame, std::string_view object) {
  return {{"id", frame.id}, {"object", object}, {"created", frame.created}, {"model", frame.model}};
}

std::string event_of(json_object&& json) { return "data: " + std::move(json).text() + "\n\n"; }

std::string chunk(const chat_frame& frame, const json_object& delta,
                  std::string_view finish_reason) {
  auto result = begin_frame(frame, "chat.completion.chunk");
  const json_object choice{{"index", 0},
                           {"delta", delta},
                           {"logprobs", nullptr},
                           {"finish_reason", text_or_null(finish_reason)}};
  result.add("choices", json_array{}.add(choice));
  if (frame.with_usage) result.add("usage", nullptr);
  return event_of(std::move(result));
}

bool is_object(std::string_view value) { return value.starts_with('{'); }

/// A worker's output as far as a completion needs it. Refers to the output.
struct chat_output {
  std::string_view whole;
  bool is_json = false;
  std::string_view content, text, usage;  ///< Members of an object; empty: there is none.
  std::string_view first_choice;          ///< Empty: the output is no completion of OpenAI's form.
};

chat_output read_output(std::string_view output) {
  chat_output result;
  result.whole = output;
  result.is_json = base::is_json(output);
  if (!result.is_json) return result;
  // Of several members with one name the last one counts.
  const auto is_whole = base::each_field(output, [&](std::string_view key, std::string_view value) {
    if (key == "content")
      result.content = value;
    else if (key == "text")
      result.text = value;
    else if (key == "usage")
      result.usage = is_object(value) ? value : std::string_view{};
    else if (key == "choices") {
      result.first_choice = {};
      static_cast<void>(base::each_element(value, [&](std::string_view choice) {
        if (result.first_choice.empty()) result.first_choice = choice;
      }));
    }
  });
  if (is_whole) return result;
  chat_output no_object;
  no_object.whole = output;
  no_object.is_json = true;
  return no_object;
}

/// Returns the message text of a worker's output.
std::string content_of(const chat_output& output) {
  std::string room;
  if (!output.is_json) return std::string{output.whole};
  const auto begin = output.whole.find_first_not_of(" \t\r\n");
  const auto end = output.whole.find_last_not_of(" \t\r\n");
  const auto value = output.whole.substr(begin, end - begin + 1);
  if (value == "null") return {};  // An empty answer has no text.
  for (const auto one : {value, output.content, output.text})
    if (const auto found = base::decode_string(one, room)) return std::string{*found};
  return std::string{output.whole};
}

/// The message of a choice as the delta of a stream, where the role was sent already and each tool
/// call has an index. Nothing when the message is no object.
std::optional<json_object> delta_of(std::string_view message) {
  json_object delta;
  const auto is_whole =
      base::each_field(message, [&](std::string_view key, std::string_view value) {
        if (key == "role") return;
        if (key != "tool_calls" || !value.starts_with('[')) {
          delta.raw(key, on_one_line(value));
          return;
        }
        json_array calls;
        auto number = 0;
        static_cast<void>(base::each_element(value, [&](std::string_view call) {
          json_object numbered;
          auto has_index = false;
          const auto is_call =
              base::each_field(call, [&](std::string_view name, std::string_view part) {
                has_index = has_index || name == "index";
                numbered.raw(name, on_one_line(part));
              });
          if (is_call && !has_index) numbered.add("index", number++);
          if (is_call)
            calls.add(numbered);
          else
            calls.add(json_raw{on_one_line(call)});
        }));
        delta.add("tool_calls", calls);
      });
  if (!is_whole) return std::nullopt;
  return delta;
}

}  // namespace

std::string to_json(const chat_error& error) {
  if (!error.whole.empty()) return error.whole;
  return json_object{{"error", json_object{{"message", error.message},
                                           {"type", type_of(error.status)},
                                           {"param", text_or_null(error.param)},
                                           {"code", text_or_null(error.code)}}}};
}

std::string openai_error(const problem& about) {
  chat_error error{about.status, about.detail, {}, {}};
  for (const auto& name : about.nearest)
    error.message += (&name == &about.nearest.front() ? " Nearest: " : ", ") + name;
  constexpr std::string_view before = "urn:greenroom:";
  error.code = about.type.starts_with(before) ? about.type.substr(before.size()) : about.type;
  std::replace(error.code.begin(), error.code.end(), '-', '_');
  return to_json(error);
}

chat_error chat_error_of(failure why, std::string detail) {
  if (why == failure::no_such_specialist)
    return {404, std::move(detail), "model", "model_not_found"};
  std::string code{to_string(why)};
  for (auto& letter : code)
    if (letter == '-') letter = '_';
  return {http_status(why), std::move(detail), {}, std::move(code)};
}

chat_error chat_error_of(const task& done) {
  auto error =
      chat_error_of(done.why == failure::none ? failure::cancelled : done.why, done.output);
  if (const auto& theirs = done.upstream()) {
    error.status = theirs->error_status;
    base::append_one_line(error.whole, as_error_object(*theirs, done.output));
  }
  return error;
}

namespace {

/// Reads the members of a request that a node needs; leaves the others to the worker.
class chat_reader {
public:
  base::expected<chat_request, chat_error> read(std::string_view body, int depth_max) {
    const auto whole = base::each_field(
        body, [&](std::string_view key, std::string_view value) { take(key, value, depth_max); },
        depth_max);
    if (!whole)
      return chat_error{400, "The body is not a valid JSON object, or is nested too deep.", {}, {}};
    if (fault_) return *fault_;
    if (const auto number = base::number_beyond_double(body); !number.empty())
      return chat_error{400,
                        "The number " + std::string{number.substr(0, 64)}
                            + " is beyond what a double holds (1.8e308).",
                        {},
                        {}};
    if (result_.model.empty())
      return chat_error{400, "You must provide a model: the name of a specialist.", "model", {}};
    if (has_stream_options_ && !result_.stream)
      return chat_error{
          400, "\"stream_options\" is only allowed with \"stream\": true.", "stream_options", {}};
    if (!has_messages_)
      return chat_error{400, "Missing required parameter: 'messages'.", "messages",
                        "missing_required_parameter"};
    return result_;
  }

private:
  void take(std::string_view key, std::string_view value, int depth_max) {
    if (key == "model") {
      if (const auto text = base::decode_string(value, room_))
        result_.model = *text;
      else
        refuse("The model must be a string: the name of a specialist.", "model");
    } else if (key == "stream") {
      result_.stream = flag(value, "\"stream\" must be true or false.", "stream");
    } else if (key == "stream_options" && value != "null") {
      has_stream_options_ = true;
      take_stream_options(value, depth_max - 1);
    } else if (key == "messages") {
      has_messages_ = value.starts_with('[');
      if (!has_messages_) refuse("\"messages\" must be an array.", "messages");
    } else if (key == "n" && value != "1" && value != "null") {
      result_.many = true;
    } else if (key == "user") {
      if (const auto text = base::decode_string(value, room_)) result_.user = text->substr(0, 256);
    }
  }

  void take_stream_options(std::string_view value, int depth_max) {
    const auto whole = base::each_field(
        value,
        [&](std::string_view key, std::string_view option) {
          if (key == "include_usage")
            result_.include_usage = flag(option, "\"include_usage\" must be true or false.",
                                         "stream_options.include_usage");
        },
        depth_max);
    if (!whole) refuse("\"stream_options\" must be an object.", "stream_options");
  }

  bool flag(std::string_view value, std::string_view otherwise, std::string_view name) {
    if (value != "true" && value != "false" && value != "null") refuse(otherwise, name);
    return value == "true";
  }

  void refuse(std::string_view why, std::string_view name) {
    fault_ = chat_error{400, std::string{why}, std::string{name}, {}};
  }

  chat_request result_;
  std::optional<chat_error> fault_;
  std::string room_;
  bool has_messages_ = false;
  bool has_stream_options_ = false;
};

}  // namespace

base::expected<chat_request, chat_error> parse_chat(std::string_view body, int depth_max) {
  return chat_reader{}.read(body, depth_max);
}

std::string chat_completion(const chat_frame& frame, std::string_view output) {
  const auto read = read_output(output);
  if (!read.first_choice.empty()) return std::string{output};
  auto result = begin_frame(frame, "chat.completion");
  const json_object message{
      {"role", "assistant"}, {"content", content_of(read)}, {"refusal", nullptr}};
  const json_object choice{
      {"index", 0}, {"message", message}, {"logprobs", nullptr}, {"finish_reason", "stop"}};
  result.add("choices", json_array{}.add(choice));
  if (!read.usage.empty()) result.raw("usage", read.usage);
  return result;
}

std::string chat_first_chunk(const chat_frame& frame) {
  return chunk(frame, {{"role", "assistant"}, {"content", ""}}, {});
}

std::string chat_content_chunk(const chat_frame& frame, std::string_view piece) {
  return chunk(frame, {{"content", piece}}, {});
}

std::string chat_last_chunk(const chat_frame& frame, std::string_view finish_reason) {
  return chunk(frame, {}, finish_reason);
}

std::string chat_usage_chunk(const chat_frame& frame, std::string_view output) {
  const auto usage = read_output(output).usage;
  if (usage.empty()) return {};
  auto result = begin_frame(frame, "chat.completion.chunk");
  result.add("choices", json_array{});
  result.raw("usage", on_one_line(usage));
  return event_of(std::move(result));
}

chat_content chat_whole_as_chunks(const chat_frame& frame, std::string_view output) {
  const auto read = read_output(output);
  if (read.first_choice.empty()) return {chat_content_chunk(frame, content_of(read))};
  if (!is_object(read.first_choice)) return {chat_content_chunk(frame, output)};
  chat_content result;
  std::string room;
  std::string_view message = "{}";
  static_cast<void>(
      base::each_field(read.first_choice, [&](std::string_view key, std::string_view value) {
        if (key == "message") message = value;
        if (key == "finish_reason")
          result.finish_reason = base::decode_string(value, room).value_or(result.finish_reason);
      }));
  const auto delta = delta_of(message);
  result.chunks = delta ? chunk(frame, *delta, {}) : chat_content_chunk(frame, output);
  return result;
}

std::string chat_error_chunk(const chat_error& error) { return "data: " + to_json(error) + "\n\n"; }

std::string_view utf8_joiner::next(std::string_view piece) {
  ready_.assign(held_);
  ready_ += piece;
  held_.clear();
  // An incomplete sequence begins in the last three bytes.
  for (std::size_t back = 1; back <= 3 && back <= ready_.size(); ++back) {
    const auto byte = static_cast<unsigned char>(ready_[ready_.size() - back]);
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    if (length > back) {
      held_ = ready_.substr(ready_.size() - back);
      ready_.resize(ready_.size() - back);
    }
    break;
  }
  return ready_;
}

}  // namespace greenroom::protocols
