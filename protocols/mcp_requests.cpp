#include "protocols/mcp_requests.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/base/json_writer.hpp"

#include <utility>

namespace greenroom::protocols {

namespace {

using base::json_object;

base::problem wrong_input(std::string why) { return {"input", std::move(why)}; }

json_object about_node() { return {{"name", "greenroom"}, {"version", GREENROOM_VERSION}}; }

constexpr std::string_view version_member = "io.modelcontextprotocol/protocolVersion";
constexpr std::string_view client_member = "io.modelcontextprotocol/clientInfo";
constexpr std::string_view capabilities_member = "io.modelcontextprotocol/clientCapabilities";

/// One JSON-RPC message; `id` is a number, or empty for a notification.
void append_message(std::string& out, std::string_view id, std::string_view method,
                    const json_object& params) {
  json_object message{{"jsonrpc", "2.0"}};
  if (!id.empty()) message.raw("id", id);
  message.add("method", method).add("params", params);
  out += std::move(message).text();
  out += '\n';
}

}  // namespace

void mcp_requests::add_initialize(std::string& out, std::string_view id,
                                  std::string_view version) const {
  append_message(out, id, "initialize",
                 {{"protocolVersion", version},
                  {"capabilities", json_object{}},
                  {"clientInfo", about_node()}});
}

void mcp_requests::add_discover(std::string& out, std::string_view id, std::string_view version) {
  version_ = version;
  json_object params;
  params.raw("_meta", meta({}));
  append_message(out, id, "server/discover", params);
}

base::expected<void> mcp_requests::add_task(std::string& out, std::string_view name,
                                            std::string_view input) const {
  std::string_view tool, arguments = "{}", method, params;
  const bool valid = base::each_field(input, [&](std::string_view key, std::string_view value) {
    if (key == "tool")
      tool = value;
    else if (key == "arguments")
      arguments = value;
    else if (key == "method")
      method = value;
    else if (key == "params")
      params = value;
  });
  const auto is = [](std::string_view value, char first) {
    return !value.empty() && value.front() == first;
  };
  if (!valid || is(tool, '"') == is(method, '"'))
    return wrong_input(R"(the input of an MCP server is {"tool":"…","arguments":{…}} or )"
                       R"({"method":"…","params":{…}})");
  if (is(tool, '"') && !is(arguments, '{'))
    return wrong_input("the arguments of an MCP tool are an object");
  if (!params.empty() && !is(params, '{'))
    return wrong_input("the params of an MCP method are an object");
  // The input may be large, so it is appended in place.
  out.reserve(out.size() + input.size() + 120);
  out += R"({"jsonrpc":"2.0","id":)";
  out += name;
  if (is(tool, '"')) {
    out += R"(,"method":"tools/call","params":{"name":)";
    base::append_one_line(out, tool);
    out += R"(,"arguments":)";
    base::append_one_line(out, arguments);
    if (stateless_) out.append(R"(,"_meta":)").append(meta({}));
    out += "}}\n";
  } else {
    out += R"(,"method":)";
    base::append_one_line(out, method);
    append_params(out, params);
    out += "}\n";
  }
  return {};
}

void mcp_requests::add_cancel(std::string& out, std::string_view name) const {
  json_object params;
  params.raw("requestId", name).add("reason", "the caller cancelled the task");
  if (stateless_) params.raw("_meta", meta({}));
  append_message(out, {}, "notifications/cancelled", params);
}

void mcp_requests::add_ping(std::string& out) {
  // Versions without `initialize` have no ping; all servers of these versions answer this request.
  add_request(out, mcp_ping_prefix, ++pings_, stateless_ ? "server/discover" : "ping", {});
}

void mcp_requests::add_tools_request(std::string& out, std::string_view cursor) {
  std::string params;
  if (!cursor.empty()) params = json_object{}.raw("cursor", cursor).text();
  add_request(out, mcp_tools_prefix, ++tools_requests_, "tools/list", params);
}

void mcp_requests::add_request(std::string& out, std::string_view prefix, std::uint64_t number,
                               std::string_view method, std::string_view params) const {
  out += R"({"jsonrpc":"2.0","id":)";
  out.append(prefix).append(std::to_string(number));
  out += R"(,"method":)";
  out += base::json_string(method);
  append_params(out, params);
  out += "}\n";
}

/// The `_meta` that a stateless server requires with every request, and the caller's own members.
std::string mcp_requests::meta(std::string_view callers) const {
  json_object result{{version_member, version_},
                     {client_member, about_node()},
                     {capabilities_member, json_object{}}};
  static_cast<void>(base::each_field(callers, [&](std::string_view name, std::string_view value) {
    if (name == version_member || name == client_member || name == capabilities_member) return;
    std::string line;
    base::append_one_line(line, value);
    result.raw(name, line);
  }));
  return std::move(result).text();
}

/// Appends `params` in place, because they may be large.
void mcp_requests::append_params(std::string& out, std::string_view params) const {
  if (!stateless_) {
    if (params.empty()) return;
    out += R"(,"params":)";
    base::append_one_line(out, params);
    return;
  }
  out += R"(,"params":{)";
  std::string_view callers;
  std::string room;
  static_cast<void>(base::each_member(params, [&](std::string_view key, std::string_view value) {
    if (base::unescape(key, room) == "_meta") {
      callers = value;
      return;
    }
    out.append("\"").append(key).append("\":");
    base::append_one_line(out, value);
    out += ',';
  }));
  out.append(R"("_meta":)").append(meta(callers)).append("}");
}

}  // namespace greenroom::protocols
