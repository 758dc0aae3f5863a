#include "protocols/mcp/json_rpc.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/base/number.hpp"
#include "protocols/base/raw_object.hpp"

#include <utility>

namespace greenroom::protocols::mcp {
namespace {

using base::is_raw_integer, base::is_raw_object, base::is_raw_text, base::raw_member,
    base::raw_text;

/// The members of a message, raw; empty: missing.
struct members {
  std::string_view version, id, method, params, result, error;
  bool repeated = false;  ///< One of them occurs twice, so that programs may differ in the meaning.
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

std::string one_line(std::string_view json) {
  std::string result;
  base::append_one_line(result, json);
  return result;
}

bool is_id(std::string_view value, const message_limits& limits) {
  return value.size() <= limits.id_bytes && (is_raw_text(value) || is_raw_integer(value));
}

/// What is wrong with the message as JSON-RPC; empty: nothing.
std::string fault_in(const members& got, const message_limits& limits) {
  if (got.repeated) return "a member of the message occurs twice";
  if (got.version != R"("2.0")") return R"("jsonrpc" is not "2.0")";
  if (!got.id.empty() && !is_id(got.id, limits)) return "the id is neither a text nor an integer";
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
    if (!is_raw_integer(raw_member(got.error, "code")))
      return "the code of the error is no integer";
    if (!is_raw_text(raw_member(got.error, "message"))) return "the error has no message";
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
  base::json_deaf nobody;
  base::json_scanner<base::json_deaf> scan{text, nobody};
  scan.skip_space();
  if (text.substr(static_cast<std::size_t>(scan.position() - text.data())).starts_with('[')) {
    if (!base::is_json(text, limits.depth)) return not_json("The message is not valid JSON");
    return invalid_request("Invalid request: batches are not served, send one message at a time");
  }
  members got;
  std::string room;
  const bool whole = base::each_member(
      scan,
      [&](std::string_view raw, std::string_view value) {
        take(got, base::unescape(raw, room), value);
      },
      limits.depth);
  scan.skip_space();
  if (!whole || !scan.at_end()) {
    std::string other{text};
    if (base::make_json(other, limits.depth))
      return invalid_request("Invalid request: the message is no object");
    return not_json("The message is not valid JSON, or is nested more than "
                    + std::to_string(limits.depth) + " deep");
  }
  if (!scan.has_halves()) return made_of(got, limits);
  std::string mended{text};
  base::mend_halves(mended);
  return read_message(mended, limits);
}

error_parts parts_of(std::string_view error) {
  error_parts result;
  if (const auto code = base::parse_number<std::int64_t>(raw_member(error, "code")))
    result.code = *code;
  if (auto text = raw_text(raw_member(error, "message"))) result.message = *std::move(text);
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
