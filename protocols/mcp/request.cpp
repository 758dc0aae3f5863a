#include "protocols/mcp/request.hpp"

#include "protocols/base/raw_object.hpp"
#include "protocols/mcp/header_value.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace greenroom::protocols::mcp {
namespace {

using outcome = base::expected<request, failure>;
using base::is_raw_integer, base::is_raw_object, base::is_raw_text, base::raw_member,
    base::raw_members, base::raw_text;

/// No session id or event id of the node is longer.
constexpr std::size_t id_bytes_max = 256;

/// The members of `params._meta` that are read here, raw; empty: missing.
struct known_meta {
  std::string_view version, capabilities, client_info, log_level, token, traceparent;
};

/// The members of the params that are read here, raw; empty: missing. They refer to the params,
/// which may be as large as a message, so each text is read once.
struct known_params {
  base::counted_member name, uri, meta;
  known_meta in_meta;
  std::string_view ref;
  std::string_view version, capabilities, client_info;  // Of `initialize`.
};

known_meta meta_in(std::string_view meta) {
  const auto [version, capabilities, client, level, token, trace] =
      raw_members(meta, {meta_version, meta_capabilities, meta_client, meta_log_level,
                         "progressToken", "traceparent"});
  return {version.value, capabilities.value, client.value, level.value, token.value, trace.value};
}

known_params params_in(std::string_view params) {
  const auto [name, uri, meta, ref, version, capabilities, client] = raw_members(
      params, {"name", "uri", "_meta", "ref", "protocolVersion", "capabilities", "clientInfo"});
  known_params result;
  result.name = name;
  result.uri = uri;
  result.meta = meta;
  result.in_meta = meta_in(meta.value);
  result.ref = ref.value;
  result.version = version.value;
  result.capabilities = capabilities.value;
  result.client_info = client.value;
  return result;
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

std::string text_or_nothing(std::string_view value) { return raw_text(value).value_or(""); }

std::string name_of(std::string_view method, const known_params& got) {
  if (method == "tools/call" || method == "prompts/get") return text_or_nothing(got.name.value);
  if (method == "resources/read" || method == "resources/subscribe"
      || method == "resources/unsubscribe")
    return text_or_nothing(got.uri.value);
  if (method != "completion/complete") return {};
  const auto [name, uri] = raw_members(got.ref, {"name", "uri"});
  return text_or_nothing(is_raw_text(name.value) ? name.value : uri.value);
}

/// The trace of `00-TRACE-SPAN-FLAGS`, where a trace of zeros is none.
std::string trace_in(std::string_view traceparent) {
  const auto text = text_or_nothing(traceparent);
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

/// Sets what both eras have in the same place.
base::expected<void, failure> take_params(request& into, const known_params& got) {
  const auto key = name_member(into.method);
  if (into.kind == message_kind::request && !key.empty()) {
    const auto& named = key == "uri" ? got.uri : got.name;
    if (named.count > 1)
      return invalid_params("The params have two members " + std::string{key}, into.id);
    if (!is_raw_text(named.value))
      return invalid_params("The params have no text " + std::string{key}, into.id);
  }
  if (got.meta.count > 1) return invalid_params("The params have two members _meta", into.id);
  into.name = name_of(into.method, got);
  const auto token = got.in_meta.token;
  if (!token.empty() && !is_raw_text(token) && !is_raw_integer(token))
    return invalid_params("The progress token is neither a text nor an integer", into.id);
  into.progress_token = token;
  into.trace_id = trace_in(got.in_meta.traceparent);
  return {};
}

/// Sets what a modern request carries in `_meta`; its version is known already.
base::expected<void, failure> take_modern_meta(request& into, const known_meta& got) {
  into.capabilities = got.capabilities;
  if (!is_raw_object(into.capabilities))
    return invalid_params("_meta has no object " + std::string{meta_capabilities}, into.id);
  into.client_info = got.client_info;
  if (!into.client_info.empty() && !is_raw_object(into.client_info))
    return invalid_params(std::string{meta_client} + " in _meta is no object", into.id);
  if (got.log_level.empty()) return {};
  const auto text = raw_text(got.log_level);
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

/// Sets the rest of a modern message. Without fields: it came over stdio.
base::expected<void, failure> take_modern(request& into, const known_params& got,
                                          const http_fields* fields) {
  into.era = mcp_era::modern;
  if (into.kind == message_kind::result || into.kind == message_kind::error)
    return invalid_request("Invalid request: clients send no responses in this version", into.id);
  const auto version = raw_text(got.in_meta.version);
  if (!version && into.kind == message_kind::request)
    return invalid_params("_meta has no text " + std::string{meta_version}, into.id);
  into.version = version.value_or(std::string{newest_modern});
  if (fields != nullptr && version)
    if (auto same = compare("MCP-Protocol-Version", fields->version, *version, false, into); !same)
      return same;
  if (!is_served(into.version, mcp_era::modern)) return unsupported_version(into.version, into.id);
  if (into.kind == message_kind::request)
    if (auto taken = take_modern_meta(into, got.in_meta); !taken) return taken;
  if (auto taken = take_params(into, got); !taken || fields == nullptr) return taken;
  if (auto same = compare("Mcp-Method", fields->method, into.method, false, into); !same)
    return same;
  if (name_member(into.method).empty()) return {};
  return compare("Mcp-Name", fields->name, into.name, true, into);
}

/// Sets what `initialize` says, and the version to answer with.
base::expected<void, failure> take_initialize(request& into, const known_params& got) {
  const auto version = raw_text(got.version);
  if (!version) return invalid_params("initialize has no text protocolVersion", into.id);
  into.version = negotiated(*version);
  into.capabilities = got.capabilities;
  // Some clients leave their capabilities out.
  if (!is_raw_object(into.capabilities)) into.capabilities = "{}";
  into.client_info = got.client_info;
  if (!is_raw_object(into.client_info)) into.client_info.clear();
  return {};
}

bool is_initialize(const message& said) {
  return said.kind == message_kind::request && said.method == "initialize";
}

/// Sets the rest of a legacy message.
base::expected<void, failure> take_legacy(request& into, const known_params& got) {
  auto taken = take_params(into, got);
  return taken && is_initialize(into) ? take_initialize(into, got) : taken;
}

request request_of(message said) {
  request result;
  static_cast<message&>(result) = std::move(said);
  return result;
}

bool speaks_modern(const message& said, const known_params& got) {
  return !got.in_meta.version.empty() || is_modern_method(said.method);
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
  auto result = request_of(*std::move(said));
  const auto got = params_in(result.params);
  // The id of a response is the node's own, and no answer may have it.
  const auto id = result.kind == message_kind::request ? result.id : std::string{};
  if (!fields.repeated.empty()) return with_id(repeated_field(fields.repeated), id);
  const bool modern =
      speaks_modern(result, got) || (fields.version && is_modern(trimmed(*fields.version)));
  if (!modern && !is_initialize(result))
    if (const auto taken = take_session(result, fields); !taken) return with_id(taken.error(), id);
  const auto taken = modern ? take_modern(result, got, &fields) : take_legacy(result, got);
  if (!taken) return taken.error();
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
  auto result = request_of(*std::move(said));
  const auto got = params_in(result.params);
  const bool modern = speaks_modern(result, got);
  if (!modern) result.version = session_version;
  const auto taken = modern ? take_modern(result, got, nullptr) : take_legacy(result, got);
  if (!taken) return taken.error();
  return result;
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
