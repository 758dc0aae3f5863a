#include "protocols/mcp/bridge.hpp"

#include "protocols/base/json_text.hpp"
#include "protocols/base/json_writer.hpp"
#include "protocols/base/raw_object.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace greenroom::protocols::mcp {
namespace {

using base::is_raw_object, base::raw_member, base::raw_text, base::with_raw_member;

constexpr std::string_view reserved_prefix = "io.modelcontextprotocol/";
constexpr std::string_view tasks_extension = "io.modelcontextprotocol/tasks";

/// `_meta` of a request without what the node and the client agreed on.
std::string foreign_meta(std::string_view params) {
  std::string result = "{";
  static_cast<void>(base::each_member(
      raw_member(params, "_meta"), [&](std::string_view raw, std::string_view value) {
        std::string room;
        const auto key = base::unescape(raw, room);
        if (key == "progressToken" || key.starts_with(reserved_prefix)) return;
        if (result.size() > 1) result += ',';
        result.append("\"").append(raw).append("\":");
        base::append_one_line(result, value);
      }));
  return result + '}';
}

std::string set(std::string_view object, std::string_view key, std::string_view value) {
  return value.empty() ? std::string{object} : with_raw_member(object, key, value);
}

std::string inner_meta(std::string_view params, const inner_request& to) {
  auto meta = set(foreign_meta(params), "progressToken", to.token);
  if (to.era == mcp_era::legacy) return meta;
  meta = set(meta, meta_version, base::json_string(to.version));
  meta = set(meta, meta_capabilities, to.capabilities.empty() ? "{}" : to.capabilities);
  return set(meta, meta_client, to.client_info);
}

/// The member that holds the name, by method; empty: none does.
std::string_view named_member(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  if (method == "resources/read" || method == "resources/subscribe"
      || method == "resources/unsubscribe")
    return "uri";
  return {};
}

std::string with_own_name(std::string_view params, std::string_view method,
                          const std::string& own_name) {
  if (own_name.empty()) return std::string{params};
  const auto name = base::json_string(own_name);
  if (const auto key = named_member(method); !key.empty())
    return with_raw_member(params, key, name);
  if (method != "completion/complete") return std::string{params};
  const auto ref = raw_member(params, "ref");
  const std::string_view key = raw_member(ref, "name").empty() ? "uri" : "name";
  return with_raw_member(params, "ref", with_raw_member(ref, key, name));
}

}  // namespace

std::string inner_params(const request& asked, const inner_request& to) {
  auto params =
      with_own_name(asked.params.empty() ? "{}" : asked.params, asked.method, to.own_name);
  const auto meta = inner_meta(params, to);
  params = with_raw_member(params, "_meta", meta == "{}" ? "" : meta);
  if (to.era == mcp_era::legacy) params = with_raw_member(params, "inputResponses", {});
  return with_raw_member(
      params, "requestState",
      to.era == mcp_era::modern && !to.state.empty() ? base::json_string(to.state) : std::string{});
}

std::string outer_result(std::string_view result, mcp_era client, std::string_view server_info,
                         std::optional<cache_hint> hint) {
  auto meta = raw_member(result, "_meta");
  if (client == mcp_era::legacy) {
    auto text = std::string{result};
    for (const auto* const key : {"resultType", "ttlMs", "cacheScope"})
      if (!raw_member(text, key).empty()) text = with_raw_member(text, key, {});
    if (raw_member(meta, meta_server).empty()) return text;
    const auto rest = with_raw_member(meta, meta_server, {});
    return with_raw_member(text, "_meta", rest == "{}" ? "" : rest);
  }
  auto text = raw_member(result, "resultType").empty()
                  ? with_raw_member(result, "resultType", R"("complete")")
                  : std::string{result};
  if (!server_info.empty() && raw_member(meta, meta_server).empty())
    text = with_raw_member(text, "_meta", with_raw_member(meta, meta_server, server_info));
  if (!hint) return text;
  if (raw_member(text, "ttlMs").empty())
    text = with_raw_member(text, "ttlMs", std::to_string(hint->ttl_ms));
  if (raw_member(text, "cacheScope").empty())
    text = with_raw_member(text, "cacheScope", hint->is_private ? R"("private")" : R"("public")");
  return text;
}

failure outer_error(std::string_view error, std::string_view method, mcp_era client) {
  auto parts = parts_of(error);
  failure result;
  result.status = 200;
  result.message = std::move(parts.message);
  result.data = raw_member(error, "data");
  const auto is = [&](error_code code) { return parts.code == static_cast<std::int64_t>(code); };
  result.code = static_cast<error_code>(std::clamp<std::int64_t>(parts.code, INT32_MIN, INT32_MAX));
  if (is(error_code::resource_not_found) && client == mcp_era::modern)
    result.code = error_code::invalid_params;
  else if (is(error_code::invalid_params) && client == mcp_era::legacy && method == "resources/read"
           && !raw_member(result.data, "uri").empty())
    result.code = error_code::resource_not_found;
  else if (is(error_code::missing_capability) && client == mcp_era::modern)
    result.status = 400;
  else if (is(error_code::method_not_found) && client == mcp_era::modern)
    result.status = 404;
  else if (is_modern_error(parts.code))
    // About headers and versions between the node and the server, which are not the client's.
    result.code = error_code::internal_error;
  return result;
}

std::string outer_progress(std::string_view params, std::string_view token) {
  return with_raw_member(params, "progressToken", token);
}

result_type type_of(std::string_view result) {
  const auto value = raw_member(result, "resultType");
  if (value.empty()) return result_type::complete;
  const auto text = raw_text(value);
  if (text == "complete") return result_type::complete;
  if (text == "input_required") return result_type::input_required;
  return text == "task" ? result_type::task : result_type::unknown;
}

std::string merged_capabilities(std::span<const base::mcp_offer* const> offers, mcp_era client,
                                bool with_tasks) {
  bool completions = false, subscribe = false, logging = false;
  for (const auto* const offer : offers) {
    const auto all = std::string_view{offer->capabilities};
    completions = completions || is_raw_object(raw_member(all, "completions"));
    logging = logging || is_raw_object(raw_member(all, "logging"));
    subscribe = subscribe || raw_member(raw_member(all, "resources"), "subscribe") == "true";
  }
  base::json_object result;
  result.raw("tools", R"({"listChanged":true})").raw("prompts", R"({"listChanged":true})");
  result.raw("resources",
             subscribe ? R"({"subscribe":true,"listChanged":true})" : R"({"listChanged":true})");
  if (completions) result.raw("completions", "{}");
  if (logging) result.raw("logging", "{}");
  if (with_tasks && client == mcp_era::modern)
    result.raw("extensions", base::json_object{}.raw(tasks_extension, "{}").text());
  return std::move(result).text();
}

std::string initialize_result(std::string_view version, const endpoint_facts& facts) {
  base::json_object result{{"protocolVersion", version}};
  result.raw("capabilities", facts.capabilities).raw("serverInfo", facts.server_info);
  if (!facts.instructions.empty()) result.add("instructions", facts.instructions);
  return std::move(result).text();
}

std::string discover_result(const endpoint_facts& facts, cache_hint hint) {
  base::json_object result;
  result.raw("supportedVersions", supported_versions()).raw("capabilities", facts.capabilities);
  if (!facts.instructions.empty()) result.add("instructions", facts.instructions);
  return outer_result(std::move(result).text(), mcp_era::modern, facts.server_info, hint);
}

std::string list_result(base::mcp_list list, const std::vector<std::string>& items,
                        std::string_view cursor) {
  base::json_object result;
  result.add(base::items_member(list),
             base::json_array{items, [](const std::string& item) { return base::json_raw{item}; }});
  if (!cursor.empty()) result.add("nextCursor", cursor);
  return std::move(result).text();
}

std::string_view capability_for(std::string_view method) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> known{
      {{"elicitation/create", "elicitation"},
       {"sampling/createMessage", "sampling"},
       {"roots/list", "roots"}}};
  for (const auto& [name, capability] : known)
    if (name == method) return capability;
  return {};
}

std::string input_required_result(const std::vector<input_request>& requests,
                                  std::string_view state) {
  base::json_object wanted;
  for (const auto& one : requests) {
    base::json_object request{{"method", one.method}};
    if (!one.params.empty()) request.raw("params", one.params);
    wanted.add(one.key, request);
  }
  base::json_object result{{"resultType", "input_required"}};
  if (!requests.empty()) result.add("inputRequests", wanted);
  if (!state.empty()) result.add("requestState", state);
  return std::move(result).text();
}

std::vector<input_request> input_requests_in(std::string_view result) {
  std::vector<input_request> found;
  static_cast<void>(base::each_field(
      raw_member(result, "inputRequests"), [&](std::string_view key, std::string_view value) {
        const auto method = raw_text(raw_member(value, "method"));
        const auto params = raw_member(value, "params");
        if (!method || capability_for(*method).empty()
            || !(params.empty() || is_raw_object(params)))
          return;
        found.push_back({std::string{key}, *method, std::string{params}});
      }));
  return found;
}

base::expected<std::vector<input_response>, failure> input_responses_in(std::string_view params) {
  const auto all = raw_member(params, "inputResponses");
  std::vector<input_response> found;
  if (all.empty()) return found;
  if (!is_raw_object(all)) return invalid_params("inputResponses is no object");
  static_cast<void>(base::each_field(all, [&](std::string_view key, std::string_view value) {
    if (is_raw_object(value)) found.emplace_back(key, value);
  }));
  return found;
}

}  // namespace greenroom::protocols::mcp
