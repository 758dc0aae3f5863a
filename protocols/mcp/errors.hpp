// Refusals: the JSON-RPC error of each, and its HTTP status.
#pragma once

#include "protocols/mcp/versions.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::protocols::mcp {

enum class error_code : std::int32_t {
  parse_error = -32700,
  invalid_request = -32600,
  method_not_found = -32601,
  invalid_params = -32602,
  internal_error = -32603,
  resource_not_found = -32002,   ///< Legacy only; modern answers say invalid_params.
  header_mismatch = -32020,      ///< Modern, as are the two below.
  missing_capability = -32021,   ///< `data.requiredCapabilities`
  unsupported_version = -32022,  ///< `data.supported`, `data.requested`
};

/// Why a request is not served.
struct failure {
  error_code code = error_code::internal_error;
  int status = 400;        ///< Of the HTTP answer; stdio ignores it.
  std::string message;     ///< For people, without a full stop.
  std::string data;        ///< JSON; empty: none.
  std::string id;          ///< The request's id as it was written; empty: unknown.
  std::string_view allow;  ///< With status 405: the methods that are served.

  friend bool operator==(const failure&, const failure&) = default;
};

[[nodiscard]] failure not_json(std::string message);
[[nodiscard]] failure invalid_request(std::string message, std::string id = {});
[[nodiscard]] failure invalid_params(std::string message, std::string id = {});
[[nodiscard]] failure header_mismatch(std::string message, std::string id = {});
[[nodiscard]] failure unsupported_version(std::string_view asked, std::string id = {});
/// `capabilities` is a JSON object: {"sampling":{}}.
[[nodiscard]] failure missing_capabilities(std::string capabilities, std::string id = {});
/// 404 for modern clients. A legacy client takes any 404 for the loss of its session, so there it
/// is a plain answer.
[[nodiscard]] failure method_not_found(std::string_view method, mcp_era era, std::string id = {});
/// A plain answer: the request was well-formed.
[[nodiscard]] failure unknown_name(std::string_view kind, std::string_view name,
                                   std::string id = {});
[[nodiscard]] failure resource_not_found(std::string_view uri, mcp_era era, std::string id = {});
/// 404: a client that hears this opens a new session.
[[nodiscard]] failure unknown_session(std::string id = {});
[[nodiscard]] failure missing_session(std::string id = {});
[[nodiscard]] failure method_not_allowed(std::string_view allow);

/// The error object: {"code":…,"message":…,"data":…}.
[[nodiscard]] std::string to_json(const failure& why);

/// Whether an error shows that a server is modern (2026-07-28, basic/versioning).
[[nodiscard]] constexpr bool is_modern_error(std::int64_t code) {
  return code <= -32020 && code >= -32022;
}

}  // namespace greenroom::protocols::mcp
