#include "protocols/mcp/request.hpp"

#include "protocols/base/raw_object.hpp"
#include "protocols/mcp/header_value.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace greenroom::protocols::mcp {
namespace {

using outcome = base::expected<request, failure>;
using base::is_raw_integer, base::is_raw_object, base::is_raw_text, base::raw_count,
    base::raw_member, base::raw_text;

/// No session id or event id of the node is longer.
constexpr std::size_t id_bytes_max = 256;

/// A member of `params._meta`.
std::string_view meta_member(std::string_view params, std::string_view key) {
  return raw_member(raw_member(params, "_meta"), key);
}

bool is_visible(std::string_view text) {
  return !text.empty() && text.size() <= id_bytes_max
         && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

/// Whether a list of media types (RFC 9110, 12.5.1) has one of `wanted`. Weights are not read.
bool accepts(std::string_view list, std::initializer_list<std::string_view> wanted) {
  while (!list.empty()) {
    const auto end = list.find(',');
    const auto one = trimmed(list.substr(0, end));
    const auto type = trimmed(one.substr(0, one.find(';')));
    for (const auto each : wanted)
      if (same_name(type, each)) return true;
    list = end == std::string_view::npos ? std::string_view{} : list.substr(end + 1);
  }
  return false;
}

bool has_json_type(std::string_view type) {
  return same_name(trimmed(type.substr(0, type.find(';'))), "application/json");
}

/// The methods whose name or URI is in `Mcp-Name`.
std::string_view name_member(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  if (method == "resources/read") return "uri";
  return {};
}

/// The methods that only modern versions have.
bool is_modern_method(std::string_view method) {
  return method == "server/discover" || method == "subscriptions/listen";
}

std::string name_of(const message& said) {
  if (const auto key = name_member(said.method); !key.empty())
    return raw_text(raw_member(said.params, key)).value_or("");
  if (said.method == "resources/subscribe" || said.method == "resources/unsubscribe")
    return raw_text(raw_member(said.params, "uri")).value_or("");
  if (said.method != "completion/complete") return {};
  const auto ref = raw_member(said.params, "ref");
  const auto name = raw_text(raw_member(ref, "name"));
  return name ? *name : raw_text(raw_member(ref, "uri")).value_or("");
}

/// The trace of `00-TRACE-SPAN-FLAGS`, where a trace of zeros is none.
std::string trace_in(std::string_view traceparent) {
  const auto text = raw_text(traceparent).value_or("");
  constexpr std::size_t begin = 3, digits = 32;
  if (text.size() < 55 || text[2] != '-' || text[begin + digits] != '-') return {};
  auto trace = text.substr(begin, digits);
  const bool good = trace.find_first_not_of("0123456789abcdef") == std::string::npos
                    && trace.find_first_not_of('0') != std::string::npos;
  return good ? trace : std::string{};
}

bool is_log_level(std::string_view level) {
  constexpr std::array<std::string_view, 8> levels{"debug", "info",     "notice", "warning",
                                                   "error", "critical", "alert",  "emergency"};
  return std::find(levels.begin(), levels.end(), level) != levels.end();
}

/// Sets what both eras have in the same place. Returns what is wrong; empty: nothing.
std::string take_params(request& into) {
  const auto key = name_member(into.method);
  if (into.kind == message_kind::request && !key.empty()) {
    if (raw_count(into.params, key) > 1) return "The params have two members " + std::string{key};
    if (!is_raw_text(raw_member(into.params, key)))
      return "The params have no text " + std::string{key};
  }
  if (raw_count(into.params, "_meta") > 1) return "The params have two members _meta";
  into.name = name_of(into);
  const auto token = meta_member(into.params, "progressToken");
  if (!token.empty() && !is_raw_text(token) && !is_raw_integer(token))
    return "The progress token is neither a text nor an integer";
  into.progress_token = token;
  into.trace_id = trace_in(meta_member(into.params, "traceparent"));
  return {};
}

/// Sets what a modern request carries in `_meta`; its version is known already.
base::expected<void, failure> take_modern_meta(request& into) {
  into.capabilities = meta_member(into.params, meta_capabilities);
  if (!is_raw_object(into.capabilities))
    return invalid_params("_meta has no object " + std::string{meta_capabilities}, into.id);
  into.client_info = meta_member(into.params, meta_client);
  if (!into.client_info.empty() && !is_raw_object(into.client_info))
    return invalid_params(std::string{meta_client} + " in _meta is no object", into.id);
  const auto level = meta_member(into.params, meta_log_level);
  if (level.empty()) return {};
  const auto text = raw_text(level);
  if (!text || !is_log_level(*text))
    return invalid_params(std::string{meta_log_level} + " in _meta is no log level", into.id);
  into.log_level = *text;
  return {};
}

/// Whether a standard header says what the body says. @pre `wanted` is the body's value.
base::expected<void, failure> compare(std::string_view header,
                                      const std::optional<std::string_view>& field,
                                      std::string_view wanted, bool encoded, const request& asked) {
  const std::string name{header};
  if (!field) {
    // Headers of notifications are not defined.
    if (asked.kind == message_kind::notification) return {};
    return header_mismatch("the required " + name + " header is missing", asked.id);
  }
  const auto text = decoded_header(*field);
  if (!text) return header_mismatch(name + " has invalid characters or malformed Base64", asked.id);
  if ((encoded ? std::string_view{*text} : trimmed(*field)) == wanted) return {};
  return header_mismatch(name + " does not have the value of the body", asked.id);
}

/// The rest of a modern message. Without fields: it came over stdio.
outcome modern(message said, const http_fields* fields) {
  request result;
  static_cast<message&>(result) = std::move(said);
  result.era = mcp_era::modern;
  if (result.kind == message_kind::result || result.kind == message_kind::error)
    return invalid_request("Invalid request: clients send no responses in this version", result.id);
  const auto version = raw_text(meta_member(result.params, meta_version));
  if (!version && result.kind == message_kind::request)
    return invalid_params("_meta has no text " + std::string{meta_version}, result.id);
  result.version = version.value_or(std::string{newest_modern});
  if (fields != nullptr && version) {
    const auto same = compare("MCP-Protocol-Version", fields->version, *version, false, result);
    if (!same) return same.error();
  }
  if (!is_served(result.version, mcp_era::modern))
    return unsupported_version(result.version, result.id);
  if (result.kind == message_kind::request)
    if (const auto taken = take_modern_meta(result); !taken) return taken.error();
  if (auto wrong = take_params(result); !wrong.empty())
    return invalid_params(std::move(wrong), result.id);
  if (fields == nullptr) return result;
  if (const auto same = compare("Mcp-Method", fields->method, result.method, false, result); !same)
    return same.error();
  if (!name_member(result.method).empty())
    if (const auto same = compare("Mcp-Name", fields->name, result.name, true, result); !same)
      return same.error();
  return result;
}

/// Sets what `initialize` says, and the version to answer with.
base::expected<void, failure> take_initialize(request& into) {
  const auto version = raw_text(raw_member(into.params, "protocolVersion"));
  if (!version) return invalid_params("initialize has no text protocolVersion", into.id);
  into.version = negotiated(*version);
  into.capabilities = raw_member(into.params, "capabilities");
  // Some clients leave their capabilities out.
  if (!is_raw_object(into.capabilities)) into.capabilities = "{}";
  into.client_info = raw_member(into.params, "clientInfo");
  if (!is_raw_object(into.client_info)) into.client_info.clear();
  return {};
}

outcome legacy(message said, std::string_view version) {
  request result;
  static_cast<message&>(result) = std::move(said);
  result.version = version;
  if (auto wrong = take_params(result); !wrong.empty())
    return invalid_params(std::move(wrong), result.id);
  if (result.method != "initialize" || result.kind != message_kind::request) return result;
  if (const auto taken = take_initialize(result); !taken) return taken.error();
  return result;
}

bool has_modern_meta(const message& said) {
  return !meta_member(said.params, meta_version).empty();
}

/// The session and the version of a legacy request that is not `initialize`.
base::expected<void, failure> take_session(request& into, const http_fields& fields) {
  const auto version = trimmed(fields.version.value_or(version_without_header));
  if (!is_served(version, mcp_era::legacy)) return unsupported_version(version, into.id);
  into.version = version;
  if (!fields.session) return missing_session(into.id);
  into.session_id = trimmed(*fields.session);
  if (!is_visible(into.session_id)) return unknown_session(into.id);
  return {};
}

failure with_id(failure why, std::string_view id) {
  why.id = id;
  return why;
}

failure repeated_field(std::string_view name) {
  return header_mismatch("the " + std::string{name} + " header occurs twice");
}

}  // namespace

http_fields http_fields::of(std::span<const header_field> fields) {
  http_fields result;
  const std::pair<std::string_view, std::optional<std::string_view>*> wanted[] = {
      {"Content-Type", &result.content_type},
      {"Accept", &result.accept},
      {"MCP-Protocol-Version", &result.version},
      {"Mcp-Method", &result.method},
      {"Mcp-Name", &result.name},
      {"Mcp-Session-Id", &result.session},
      {"Last-Event-ID", &result.last_event},
  };
  for (const auto& [name, value] : fields)
    for (const auto& [key, to] : wanted) {
      if (!same_name(name, key)) continue;
      if (*to && !same_name(key, "Accept")) result.repeated = key;
      *to = value;
    }
  return result;
}

outcome read_post(const http_fields& fields, std::string_view body, const message_limits& limits) {
  if (!fields.content_type || !has_json_type(*fields.content_type)) {
    auto why = invalid_request("The Content-Type is not application/json");
    why.status = 415;
    return why;
  }
  if (fields.accept
      && !accepts(*fields.accept,
                  {"application/json", "text/event-stream", "*/*", "application/*", "text/*"})) {
    auto why = invalid_request("Accept has neither application/json nor text/event-stream");
    why.status = 406;
    return why;
  }
  auto said = read_message(body, limits);
  if (!said) return said.error();
  const auto id = said->kind == message_kind::request ? said->id : std::string{};
  if (!fields.repeated.empty()) return with_id(repeated_field(fields.repeated), id);
  if (has_modern_meta(*said) || is_modern_method(said->method)
      || (fields.version && is_modern(trimmed(*fields.version))))
    return modern(*std::move(said), &fields);
  if (said->kind == message_kind::request && said->method == "initialize")
    return legacy(*std::move(said), {});
  request session;
  session.id = id;
  if (const auto taken = take_session(session, fields); !taken) return taken.error();
  auto result = legacy(*std::move(said), session.version);
  if (result) result->session_id = session.session_id;
  return result;
}

outcome read_get(const http_fields& fields) {
  constexpr std::string_view allow = "POST";
  // Without a version and a session it is a client of 2024-11-05 that looks for its transport.
  if (fields.version ? is_modern(trimmed(*fields.version)) : !fields.session)
    return method_not_allowed(allow);
  if (!fields.repeated.empty()) return repeated_field(fields.repeated);
  if (fields.accept && !accepts(*fields.accept, {"text/event-stream", "*/*", "text/*"})) {
    auto why = invalid_request("Accept has no text/event-stream");
    why.status = 406;
    return why;
  }
  request result;
  if (const auto taken = take_session(result, fields); !taken) return taken.error();
  // What is no id of the node replays nothing; see `parse_event_id`.
  if (fields.last_event) result.last_event_id = trimmed(*fields.last_event).substr(0, id_bytes_max);
  return result;
}

outcome read_delete(const http_fields& fields) {
  if (fields.version && is_modern(trimmed(*fields.version))) return method_not_allowed("POST");
  if (!fields.repeated.empty()) return repeated_field(fields.repeated);
  request result;
  if (const auto taken = take_session(result, fields); !taken) return taken.error();
  return result;
}

outcome read_line(std::string_view line, std::string_view session_version,
                  const message_limits& limits) {
  auto said = read_message(line, limits);
  if (!said) return said.error();
  if (has_modern_meta(*said) || is_modern_method(said->method))
    return modern(*std::move(said), nullptr);
  return legacy(*std::move(said), session_version);
}

bool declares(std::string_view capabilities, std::string_view path) {
  while (!path.empty()) {
    const auto end = path.find('.');
    capabilities = raw_member(capabilities, path.substr(0, end));
    if (!is_raw_object(capabilities)) return false;
    path = end == std::string_view::npos ? std::string_view{} : path.substr(end + 1);
  }
  return true;
}

}  // namespace greenroom::protocols::mcp
