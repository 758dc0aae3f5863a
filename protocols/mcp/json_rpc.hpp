// One message of JSON-RPC 2.0, as the Model Context Protocol restricts it.
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/mcp/errors.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::protocols::mcp {

enum class message_kind : std::uint8_t { request, notification, result, error };

struct message_limits {
  std::size_t bytes = std::size_t{16} << 20;
  int depth = 64;                  ///< Nesting of JSON.
  std::size_t id_bytes = 1024;     ///< As it is written.
  std::size_t method_bytes = 256;  ///< Decoded.
};

struct message {
  message_kind kind = message_kind::notification;
  std::string id;  ///< As it was written, a JSON text or integer; empty: none, or an error's null.
  std::string method;  ///< Decoded.
  std::string params;  ///< A JSON object on one line; empty: none.
  std::string result;  ///< JSON on one line.
  std::string error;   ///< A JSON object on one line.

  friend bool operator==(const message&, const message&) = default;
};

/// Reads the only message in `text`, which may have space around it. The failure carries the id
/// when one could be read, because the answer must echo it. Batches are refused: no served version
/// from 2025-06-18 on has them.
[[nodiscard]] base::expected<message, failure> read_message(std::string_view text,
                                                            const message_limits& limits = {});

/// The integer `code` and the `message` of an error object; `internal_error` and an empty text
/// where they are missing.
struct error_parts {
  std::int64_t code = static_cast<std::int64_t>(error_code::internal_error);
  std::string message;
};
[[nodiscard]] error_parts parts_of(std::string_view error);

// Each returns one line without its end. Ids, params, results and errors are JSON and are put in
// as they are, but on one line.
[[nodiscard]] std::string request_text(std::string_view id, std::string_view method,
                                       std::string_view params = {});
[[nodiscard]] std::string notification_text(std::string_view method, std::string_view params = {});
[[nodiscard]] std::string result_text(std::string_view id, std::string_view result);
[[nodiscard]] std::string error_text(std::string_view id, std::string_view error);
[[nodiscard]] std::string error_text(const failure& why);
[[nodiscard]] std::string to_text(const message& said);

}  // namespace greenroom::protocols::mcp
