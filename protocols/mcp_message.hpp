// One JSON-RPC message of an MCP server.
#pragma once

#include "protocols/base/json_text.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::protocols {

/// The members are raw JSON text and refer to the message's text; empty: there is no such member.
struct mcp_message {
  std::string_view version, id, method, result, error;
  bool beyond_double = false;  ///< A number in the message is too large for a double.
  std::size_t length = 0;      ///< Of the message's text; 0: there is no message.

  [[nodiscard]] bool is_answer() const {
    return method.empty() && !id.empty() && id != "null" && !(result.empty() && error.empty());
  }
  void take_member(std::string_view key, std::string_view value);
};

/// The message at the beginning of `text`.
[[nodiscard]] mcp_message read_mcp_message(std::string_view text);
/// The message that is the whole text.
[[nodiscard]] mcp_message read_whole_mcp_message(std::string_view text);

/// A task's name in an id that the server may have changed to a string or a real number. Uses
/// `room` only for such an id.
[[nodiscard]] std::string_view mcp_name_in(std::string_view id, std::string& room);

/// The strings of the list in member `wanted` of `object`; none if there is no such list.
[[nodiscard]] std::vector<std::string> mcp_texts_in(std::string_view object,
                                                    std::string_view wanted);

}  // namespace greenroom::protocols
