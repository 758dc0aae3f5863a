#include "protocols/http_chat.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/upstream.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace greenroom::protocols {

namespace {

using json = nlohmann::json;

void append_text(std::string& to, std::string_view text) {
  if (!base::append_json_string(to, text)) to += base::json_string(text);
}

std::string type_of(int status) {
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

void append_frame(std::string& to, const chat_frame& frame, std::string_view object) {
  to += R"({"id":)";
  append_text(to, frame.id);
  to += R"(,"object":")";
  to += object;
  to += R"(","created":)";
  to += std::to_string(frame.created);
  to += R"(,"model":)";
  append_text(to, frame.model);
}

std::string chunk(const chat_frame& frame, std::string_view delta, std::string_view finish_reason) {
  std::string result = "data: ";
  append_frame(result, frame, "chat.completion.chunk");
  result += R"(,"choices":[{"index":0,"delta":)";
  result += delta;
  result += R"(,"logprobs":null,"finish_reason":)";
  if (finish_reason.empty()) {
    result += "null";
  } else {
    append_text(result, finish_reason);
  }
  result += "}]";
  if (frame.with_usage) result += R"(,"usage":null)";
  return result + "}\n\n";
}

/// Returns the token counts in a worker's output; null when there are none.
json usage_in(const json& output) {
  if (!output.is_object()) return nullptr;
  const auto found = output.find("usage");
  return found != output.end() && found->is_object() ? *found : json(nullptr);
}

/// True for a completion in OpenAI's form.
bool is_completion(const json& value) {
  return value.is_object() && value.contains("choices") && value["choices"].is_array()
         && !value["choices"].empty();
}

/// Returns the message text of a worker's output.
std::string content_of(const json& value, std::string_view output) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return {};  // An empty answer has no text.
  if (value.is_object())
    for (const auto* name : {"content", "text"})
      if (const auto found = value.find(name); found != value.end() && found->is_string())
        return found->get<std::string>();
  return std::string{output};
}

json read(std::string_view output) {
  return json::parse(output.begin(), output.end(), nullptr, false);
}

}  // namespace

std::string to_json(const chat_error& error) {
  if (!error.whole.empty()) return error.whole;
  std::string result = R"({"error":{"message":)";
  append_text(result, error.message);
  result += R"(,"type":")" + type_of(error.status) + R"(","param":)";
  if (error.param.empty()) {
    result += "null";
  } else {
    append_text(result, error.param);
  }
  result += R"(,"code":)";
  if (error.code.empty()) {
    result += "null";
  } else {
    append_text(result, error.code);
  }
  return result + "}}";
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

/// Reads `stream_options`; unknown members are left to the worker.
void take_stream_options(std::string_view value, int depth_max, chat_request& to,
                         chat_error& fault) {
  std::string room;
  const auto whole = base::each_member(
      value,
      [&](std::string_view raw, std::string_view option) {
        if (base::unescape(raw, room) != "include_usage") return;
        to.include_usage = option == "true";
        if (option != "true" && option != "false" && option != "null")
          fault = {
              400, "\"include_usage\" must be true or false.", "stream_options.include_usage", {}};
      },
      depth_max);
  if (!whole) fault = {400, "\"stream_options\" must be an object.", "stream_options", {}};
}

}  // namespace

std::variant<chat_request, chat_error> parse_chat(std::string_view body, int depth_max) {
  chat_request result;
  auto has_messages = false, has_stream_options = false;
  chat_error fault;
  std::string key_room, room;
  const auto whole = base::each_member(
      body,
      [&](std::string_view raw, std::string_view value) {
        const auto key = base::unescape(raw, key_room);
        std::string_view text;
        if (key == "model") {
          if (base::string_value(value, room, text)) {
            result.model = text;
          } else {
            fault = {400, "The model must be a string: the name of a specialist.", "model", {}};
          }
        } else if (key == "stream") {
          result.stream = value == "true";
          if (value != "true" && value != "false" && value != "null")
            fault = {400, "\"stream\" must be true or false.", "stream", {}};
        } else if (key == "stream_options" && value != "null") {
          has_stream_options = true;
          take_stream_options(value, depth_max - 1, result, fault);
        } else if (key == "messages") {
          has_messages = value.starts_with('[');
          if (!has_messages) fault = {400, "\"messages\" must be an array.", "messages", {}};
        } else if (key == "n" && value != "1" && value != "null") {
          result.many = true;
        } else if (key == "user") {
          if (base::string_value(value, room, text)) result.user = text.substr(0, 256);
        }
      },
      depth_max);
  if (!whole)
    return chat_error{400, "The body is not a valid JSON object, or is nested too deep.", {}, {}};
  if (!fault.message.empty()) return fault;
  if (const auto number = base::number_beyond_double(body); !number.empty())
    return chat_error{400,
                      "The number " + std::string{number.substr(0, 64)}
                          + " is beyond what a double holds (1.8e308).",
                      {},
                      {}};
  if (result.model.empty())
    return chat_error{400, "You must provide a model: the name of a specialist.", "model", {}};
  if (has_stream_options && !result.stream)
    return chat_error{
        400, "\"stream_options\" is only allowed with \"stream\": true.", "stream_options", {}};
  if (!has_messages)
    return chat_error{400, "Missing required parameter: 'messages'.", "messages",
                      "missing_required_parameter"};
  return result;
}

std::string chat_completion(const chat_frame& frame, std::string_view output) {
  const auto value = read(output);
  if (is_completion(value)) return std::string{output};
  std::string result;
  append_frame(result, frame, "chat.completion");
  result += R"(,"choices":[{"index":0,"message":{"role":"assistant","content":)";
  append_text(result, content_of(value, output));
  result += R"(,"refusal":null},"logprobs":null,"finish_reason":"stop"}])";
  if (const auto usage = usage_in(value); !usage.is_null()) result += R"(,"usage":)" + usage.dump();
  return result + "}";
}

std::string chat_first_chunk(const chat_frame& frame) {
  return chunk(frame, R"({"role":"assistant","content":""})", {});
}

std::string chat_content_chunk(const chat_frame& frame, std::string_view piece) {
  std::string delta = R"({"content":)";
  append_text(delta, piece);
  return chunk(frame, delta + "}", {});
}

std::string chat_last_chunk(const chat_frame& frame, std::string_view finish_reason) {
  return chunk(frame, "{}", finish_reason);
}

std::string chat_usage_chunk(const chat_frame& frame, std::string_view output) {
  const auto usage = usage_in(read(output));
  if (usage.is_null()) return {};
  std::string result = "data: ";
  append_frame(result, frame, "chat.completion.chunk");
  return result + R"(,"choices":[],"usage":)" + usage.dump() + "}\n\n";
}

std::string chat_whole_as_chunks(const chat_frame& frame, std::string_view output,
                                 std::string& finish_reason) {
  finish_reason = "stop";
  const auto value = read(output);
  if (!is_completion(value)) return chat_content_chunk(frame, content_of(value, output));
  const auto& choice = value["choices"][0];
  if (!choice.is_object()) return chat_content_chunk(frame, output);
  if (const auto found = choice.find("finish_reason"); found != choice.end() && found->is_string())
    finish_reason = found->get<std::string>();
  auto delta = choice.value("message", json::object());
  if (!delta.is_object()) return chat_content_chunk(frame, output);
  delta.erase("role");
  // In a stream each tool call has an index.
  if (auto calls = delta.find("tool_calls"); calls != delta.end() && calls->is_array()) {
    auto number = 0;
    for (auto& call : *calls)
      if (call.is_object() && !call.contains("index")) call["index"] = number++;
  }
  return chunk(frame, delta.dump(-1, ' ', false, json::error_handler_t::replace), {});
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
