// What a client asks of the node's MCP door: one model for both eras and for both transports.
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/mcp/json_rpc.hpp"
#include "protocols/mcp/parameter_headers.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace greenroom::protocols::mcp {

// Members of `_meta` that the protocol reserves.
inline constexpr std::string_view meta_version = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view meta_capabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view meta_client = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view meta_server = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view meta_log_level = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view meta_subscription = "io.modelcontextprotocol/subscriptionId";

/// A message of a client, and what its headers or its `_meta` say of it. Of a legacy client the
/// session knows the capabilities, except in `initialize`.
struct request : message {
  mcp_era era = mcp_era::legacy;
  /// Served, and for `initialize` the one to answer with. Over HTTP a legacy request may leave it
  /// out; then it is 2025-03-26, and the session knows better.
  std::string version;
  std::string name;            ///< Of the tool or prompt, or the resource's URI; empty: none.
  std::string progress_token;  ///< JSON; empty: the client wants no progress.
  std::string log_level;       ///< Modern: the least important message wanted; empty: none at all.
  std::string capabilities;    ///< A JSON object; empty: see above.
  std::string client_info;     ///< A JSON object; empty: unknown.
  std::string trace_id;        ///< 32 hexadecimal digits (W3C Trace Context); empty: none.
  std::string session_id;      ///< Legacy, HTTP; empty for `initialize`.
  std::string last_event_id;   ///< Legacy, GET.
};

/// The header fields of one HTTP request that matter here.
struct http_fields {
  std::optional<std::string_view> content_type, accept, version, method, name, session, last_event;
  std::string_view repeated;  ///< The name of a field that occurs twice; empty: none does.

  [[nodiscard]] static http_fields of(std::span<const header_field> fields);
};

/// A POST to the endpoint. `Mcp-Param-*` are checked later, when the tool is known
/// (`check_parameters`).
[[nodiscard]] base::expected<request, failure> read_post(const http_fields& fields,
                                                         std::string_view body,
                                                         const message_limits& limits = {});

/// A GET (the stream of a session) or a DELETE (its end), both legacy: `session_id`, `version` and
/// `last_event_id` are set, and the message is empty.
[[nodiscard]] base::expected<request, failure> read_get(const http_fields& fields);
[[nodiscard]] base::expected<request, failure> read_delete(const http_fields& fields);

/// A line of a stdio client. `session_version` is what `initialize` agreed on; empty: nothing yet.
[[nodiscard]] base::expected<request, failure> read_line(std::string_view line,
                                                         std::string_view session_version,
                                                         const message_limits& limits = {});

/// Whether `capabilities` (a JSON object) has a member for a path like `elicitation` or
/// `sampling.tools`.
[[nodiscard]] bool declares(std::string_view capabilities, std::string_view path);

}  // namespace greenroom::protocols::mcp
