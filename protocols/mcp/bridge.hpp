// Between a client of one era and a server of the other: what params, results and errors become on
// their way. Everything that is not named here passes unchanged.
#pragma once

#include "protocols/base/mcp_offer.hpp"
#include "protocols/mcp/errors.hpp"
#include "protocols/mcp/request.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::protocols::mcp {

// -- inwards ------------------------------------------------------------------

/// How a request reaches a server.
struct inner_request {
  mcp_era era = mcp_era::legacy;  ///< Of the server.
  std::string version;            ///< That was agreed on with the server.
  std::string own_name;           ///< What the server calls the tool, prompt or resource.
  std::string token;              ///< JSON; empty: no progress is wanted.
  std::string capabilities;       ///< For a modern server: a JSON object.
  std::string client_info;        ///< For a modern server: a JSON object; empty: none.
  std::string state;              ///< The server's own requestState; empty: none.
};

/// The params of a client's request for a server: with the server's names and the node's progress
/// token; `_meta` keeps what no version of the protocol itself has put there.
[[nodiscard]] std::string inner_params(const request& asked, const inner_request& to);

// -- outwards -----------------------------------------------------------------

/// How long clients may keep a result (2026-07-28, utilities/caching).
struct cache_hint {
  std::uint32_t ttl_ms = 0;
  bool is_private = true;
};

/// A server's result for a client: modern clients get `resultType`, `_meta` with `server_info` (a
/// JSON object) where the server has put none, and a hint where one is given and the server has
/// none; legacy clients get none of these.
[[nodiscard]] std::string outer_result(std::string_view result, mcp_era client,
                                       std::string_view server_info,
                                       std::optional<cache_hint> hint = std::nullopt);

/// A server's error object for a client: a resource that is not found has another code in each era.
/// Codes that mean something else to clients of the node, or that only a modern client knows,
/// become internal errors. The failure has no id.
[[nodiscard]] failure outer_error(std::string_view error, std::string_view method, mcp_era client);

/// The params of a server's progress notification with the client's token (JSON).
[[nodiscard]] std::string outer_progress(std::string_view params, std::string_view token);

enum class result_type : std::uint8_t { complete, input_required, task, unknown };
/// Without a member `resultType` a result is complete.
[[nodiscard]] result_type type_of(std::string_view result);

// -- the node's own answers ----------------------------------------------------

/// What an endpoint says of itself.
struct endpoint_facts {
  std::string capabilities;  ///< A JSON object, of `merged_capabilities`.
  std::string server_info;   ///< A JSON object.
  std::string instructions;  ///< Text; empty: none.
};

/// The capabilities of several servers together. Changes of lists are always announced, because a
/// server of unknown offer may become known.
[[nodiscard]] std::string merged_capabilities(std::span<const base::mcp_offer* const> offers,
                                              mcp_era client, bool with_tasks);

[[nodiscard]] std::string initialize_result(std::string_view version, const endpoint_facts& facts);
[[nodiscard]] std::string discover_result(const endpoint_facts& facts, cache_hint hint);
/// A page of a list; `cursor` empty: the last one.
[[nodiscard]] std::string list_result(base::mcp_list list, const std::vector<std::string>& items,
                                      std::string_view cursor);

// -- input that a call needs -----------------------------------------------------

/// One question to the client: `elicitation/create`, `sampling/createMessage` or `roots/list`.
struct input_request {
  std::string key;
  std::string method;
  std::string params;  ///< JSON; empty: none.

  friend bool operator==(const input_request&, const input_request&) = default;
};

/// The capability that a client must have declared to be asked by a method; empty: no client can
/// be.
[[nodiscard]] std::string_view capability_for(std::string_view method);

[[nodiscard]] std::string input_required_result(const std::vector<input_request>& requests,
                                                std::string_view state);
/// The questions in a server's result, in order; those that are malformed are left out.
[[nodiscard]] std::vector<input_request> input_requests_in(std::string_view result);

/// An answer of the client: its key and the result, a JSON object.
using input_response = std::pair<std::string, std::string>;
/// The answers in the params of a repeated request. A failure (without an id) when the member is
/// there and no object. Answers that are no object are left out: the server asks again.
[[nodiscard]] base::expected<std::vector<input_response>, failure> input_responses_in(
    std::string_view params);

}  // namespace greenroom::protocols::mcp
