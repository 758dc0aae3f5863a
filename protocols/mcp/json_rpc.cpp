#include "protocols/mcp/json_rpc.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/base/number.hpp"
#include "protocols/base/raw_object.hpp"

#include <utility>

namespace greenroom::protocols::mcp {
namespace {

using base::is_raw_integer, base::is_raw_object, base::is_raw_text, base::raw_members,
    base::raw_text;

/// The members of a message, raw; empty: missing.
struct members {
  std::string_view version, id, method, params, result, error;
  bool repeated = false;  ///< One of them occurs twice, so that programs may differ in the meaning.
  bool whole = false;     ///< The text is one object and nothing else.
  bool halves = false;    ///< A string has a lone surrogate.
};

void take(members& into, std::string_view key, std::string_view value) {
  const auto set = [&](std::string_view& to) {
    into.repeated = into.repeated || !to.empty();
    to = value;
  };
  if (key == "jsonrpc") set(into.version);
  if (key == "id") set(into.id);
  if (key == "method") set(into.method);
  if (key == "params") set(into.params);
  if (key == "result") set(into.result);
  if (key == "error") set(into.error);
}

members members_of(std::string_view text, int depth_max) {
  members result;
  base::json_deaf nobody;
  base::json_scanner<base::json_deaf> scan{text, nobody};
  std::string room;
  const bool whole = base::each_member(
      scan,
      [&](std::string_view raw, std::string_view value) {
        take(result, base::unescape(raw, room), value);
      },
      depth_max);
  scan.skip_space();
  result.whole = whole && scan.at_end();
  result.halves = scan.has_halves();
  return result;
}

bool is_list(std::string_view text) {
  const auto begin = text.find_first_not_of(" \n\r\t");
  return begin != std::string_view::npos && text[begin] == '[';
}

/// Empty for a missing member.
std::string one_line(std::string_view json) {
  std::string result;
  if (!json.empty()) base::append_one_line(result, json);
  return result;
}

bool is_id(std::string_view value, const message_limits& limits) {
  return value.size() <= limits.id_bytes && (is_raw_text(value) || is_raw_integer(value));
}

/// What is wrong with the message as JSON-RPC; empty: nothing.
std::string fault_in(const members& got, const message_limits& limits) {
  if (got.repeated) return "a member of the message occurs twice";
  if (got.version != R"("2.0")") return R"("jsonrpc" is not "2.0")";
  // Who could not read the id of a request answers with an error to null.
  const bool to_nobody = got.id == "null" && got.method.empty() && !got.error.empty();
  if (!got.id.empty() && !to_nobody && !is_id(got.id, limits))
    return "the id is neither a text nor an integer";
  if (!got.method.empty()) {
    if (!got.result.empty() || !got.error.empty()) return "a request with a result";
    const auto method = raw_text(got.method);
    if (!method || method->empty() || method->size() > limits.method_bytes)
      return "the method is no text of 1 to " + std::to_string(limits.method_bytes) + " bytes";
    return {};
  }
  if (got.result.empty() == got.error.empty()) return "neither a method nor a result nor an error";
  if (!got.result.empty() && got.id.empty()) return "a result without an id";
  if (!got.error.empty()) {
    if (!is_raw_object(got.error)) return "the error is no object";
    const auto [code, text] = raw_members(got.error, {"code", "message"});
    if (!is_raw_integer(code.value)) return "the code of the error is no integer";
    if (!is_raw_text(text.value)) return "the error has no message";
  }
  return {};
}

base::expected<message, failure> made_of(const members& got, const message_limits& limits) {
  const std::string id = is_id(got.id, limits) && !got.repeated ? std::string{got.id} : "";
  if (auto fault = fault_in(got, limits); !fault.empty())
    return invalid_request("Invalid request: " + std::move(fault), id);
  message result;
  result.id = id;
  if (got.method.empty()) {
    result.kind = got.error.empty() ? message_kind::result : message_kind::error;
    result.result = one_line(got.result);
    result.error = one_line(got.error);
    return result;
  }
  result.kind = got.id.empty() ? message_kind::notification : message_kind::request;
  result.method = *raw_text(got.method);
  // Some clients write null where they have no params.
  if (got.params.empty() || got.params == "null") return result;
  if (!is_raw_object(got.params)) return invalid_params("The params are no object", id);
  result.params = one_line(got.params);
  return result;
}

}  // namespace

base::expected<message, failure> read_message(std::string_view text, const message_limits& limits) {
  if (text.size() > limits.bytes)
    return not_json("The message has more than " + std::to_string(limits.bytes) + " bytes");
  if (is_list(text)) {
    if (!base::is_json(text, limits.depth)) return not_json("The message is not valid JSON");
    return invalid_request("Invalid request: batches are not served, send one message at a time");
  }
  const auto got = members_of(text, limits.depth);
  if (!got.whole) {
    std::string other{text};
    if (base::make_json(other, limits.depth))
      return invalid_request("Invalid request: the message is no object");
    return not_json("The message is not valid JSON, or is nested more than "
                    + std::to_string(limits.depth) + " deep");
  }
  if (!got.halves) return made_of(got, limits);
  std::string mended{text};
  base::mend_halves(mended);
  return made_of(members_of(mended, limits.depth), limits);
}

error_parts parts_of(std::string_view error) {
  error_parts result;
  const auto [code, text] = raw_members(error, {"code", "message"});
  if (const auto number = base::parse_number<std::int64_t>(code.value)) result.code = *number;
  if (auto decoded = raw_text(text.value)) result.message = *std::move(decoded);
  return result;
}

namespace {

std::string begun(std::string_view id) {
  std::string result = R"({"jsonrpc":"2.0")";
  if (!id.empty()) base::append_one_line(result += R"(,"id":)", id);
  return result;
}

std::string& add(std::string& to, std::string_view name, std::string_view json) {
  to.append(",\"").append(name).append("\":");
  base::append_one_line(to, json);
  return to;
}

}  // namespace

std::string request_text(std::string_view id, std::string_view method, std::string_view params) {
  auto result = begun(id);
  add(result, "method", base::json_string(method));
  if (!params.empty()) add(result, "params", params);
  return result += '}';
}

std::string notification_text(std::string_view method, std::string_view params) {
  return request_text({}, method, params);
}

std::string result_text(std::string_view id, std::string_view result) {
  auto text = begun(id);
  return add(text, "result", result) += '}';
}

std::string error_text(std::string_view id, std::string_view error) {
  auto text = begun(id);
  return add(text, "error", error) += '}';
}

std::string error_text(const failure& why) { return error_text(why.id, to_json(why)); }

std::string to_text(const message& said) {
  switch (said.kind) {
    case message_kind::request:
    case message_kind::notification: return request_text(said.id, said.method, said.params);
    case message_kind::result: return result_text(said.id, said.result);
    case message_kind::error: break;
  }
  return error_text(said.id, said.error);
}

}  // namespace greenroom::protocols::mcp
