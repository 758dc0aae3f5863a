#include "protocols/upstream.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/base/utf8.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <utility>

namespace greenroom::protocols {

namespace {

using ordered = nlohmann::ordered_json;

constexpr std::size_t message_bytes_max = 500;

std::string written(const ordered& value) {
  return value.dump(-1, ' ', false, ordered::error_handler_t::replace);
}

/// Returns the error status from any of the usual members; 0: none.
int status_in(const ordered& object) {
  if (!object.is_object()) return 0;
  for (const auto* name : {"status", "status_code", "code", "statusCode"}) {
    const auto found = object.find(name);
    if (found == object.end()) continue;
    long number = 0;
    if (found->is_number_integer()) {
      number = found->get<long>();
    } else if (found->is_string()) {
      const auto& text = found->get_ref<const std::string&>();
      const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
      if (read.ptr != text.data() + text.size()) continue;
    }
    if (number >= 400 && number <= 599) return static_cast<int>(number);
  }
  return 0;
}

/// Returns the message from any of the usual members of an error object; empty: none.
std::string message_in(const ordered& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_object()) return {};
  for (const auto* name : {"message", "detail", "error", "error_message", "msg", "title"}) {
    const auto found = value.find(name);
    if (found == value.end()) continue;
    if (found->is_string() && !found->get_ref<const std::string&>().empty())
      return found->get<std::string>();
    if (found->is_object()) {
      if (auto inner = message_in(*found); !inner.empty()) return inner;
    }
  }
  return {};
}

/// @pre `whole` has a member "error".
told_error told(ordered whole) {
  told_error result;
  const auto& error = whole["error"];
  if (const auto named = status_in(error); named != 0)
    result.status = named;
  else if (const auto beside = status_in(whole); beside != 0)
    result.status = beside;
  result.message = message_in(error);
  if (result.message.empty()) result.message = message_in(whole);
  if (result.message.empty()) result.message = written(error);
  result.message.resize(base::utf8_cut(result.message, message_bytes_max).size());
  result.body = written(whole);
  return result;
}

/// Discarded unless it is JSON within the nesting limit.
ordered read_value(std::string_view text) {
  if (text.size() > upstream_bytes_max || !base::is_json(text)) return ordered::value_t::discarded;
  return ordered::parse(text.begin(), text.end(), nullptr, false);
}

std::string type_for(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

}  // namespace

std::optional<told_error> error_in(std::string_view json_text) {
  // Fast path for nearly every answer.
  if (json_text.find("\"error\"") == std::string_view::npos) return std::nullopt;
  // An answer may be large; the members of an error are small.
  std::string room;
  auto said = false, chosen = false;
  ordered small = ordered::object();
  const auto whole =
      base::each_member(json_text, [&](std::string_view raw, std::string_view value) {
        const auto key = base::unescape(raw, room);
        if (key == "error")
          said = value == "true"
                 || (value.size() > 2 && (value.front() == '{' || value.front() == '"'));
        else if (key == "choices")
          chosen = value.size() > 2;
        const bool kept = key == "error" || value.size() < message_bytes_max;
        if (kept && small.size() < 32) {
          auto read = read_value(value);
          small[std::string{key}] =
              read.is_discarded() ? ordered("a value that is too long") : read;
        }
      });
  if (!whole || !said || chosen || !small.contains("error")) return std::nullopt;
  if (small["error"].is_object() && small["error"].empty()) return std::nullopt;
  // Keep the original text if it is short enough.
  auto result = told(std::move(small));
  if (json_text.size() <= upstream_bytes_max) result.body = std::string{json_text};
  if (result.body.size() > upstream_bytes_max)
    result.body = written(ordered{{"error", {{"message", result.message}}}});
  return result;
}

std::optional<told_error> error_in_event(std::string_view type, std::string_view data) {
  if (auto found = error_in(data)) return found;
  if (type != "error") return std::nullopt;
  auto inner = read_value(data);
  ordered error = ordered::object();
  if (inner.is_object())
    error = std::move(inner);
  else
    error["message"] = inner.is_string() ? inner.get<std::string>()
                                         : std::string{base::utf8_cut(data, message_bytes_max)};
  ordered around = ordered::object();
  around["error"] = std::move(error);
  return told(std::move(around));
}

std::string as_error_object(const upstream_answer& answer, std::string_view detail) {
  const auto whole = read_value(answer.body);
  ordered error = ordered::object();
  if (whole.is_object()) {
    const auto found = whole.find("error");
    if (found != whole.end() && found->is_object() && !found->empty()) {
      if (found->contains("message")) return answer.body;
      error = *found;
    } else if (whole.contains("message") && whole["message"].is_string()) {
      error = whole;  // Older versions of vLLM omit the enclosing object.
      error.erase("object");
    }
  }
  auto message = message_in(whole);
  if (message.empty() && !answer.body.empty() && !whole.is_object() && !whole.is_array())
    message = base::utf8_cut(answer.body, message_bytes_max);
  if (message.empty()) message = std::string{detail};
  ordered result;
  result["message"] = std::move(message);
  result["type"] = type_for(answer.error_status);
  result["param"] = nullptr;
  result["code"] = nullptr;
  for (auto& [name, value] : error.items())
    if (name != "message" && name != "error") result[name] = value;
  ordered around = ordered::object();
  around["error"] = std::move(result);
  return written(around);
}

}  // namespace greenroom::protocols
