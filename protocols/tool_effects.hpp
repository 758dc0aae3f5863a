// Side effects of a Model Context Protocol server's tools, as declared by the server.
#pragma once

#include "protocols/task.hpp"

#include <map>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// By name. A tool that is not in the map is unsafe to call twice.
using tool_effects = std::map<std::string, side_effects, std::less<>>;

/// Limits on the tools kept for one server, and on the length of a tool's name (the protocol
/// recommends at most 128 letters).
constexpr std::size_t tools_max = 4096;
constexpr std::size_t tool_name_bytes_max = 256;

/// Adds a page, the result of tools/list, to `known`: `readOnlyHint` means no side effects,
/// `idempotentHint` idempotent, and everything else unsafe. Returns the raw JSON text of the cursor
/// to the next page; empty: there is none.
[[nodiscard]] std::string add_tools(tool_effects& known, std::string_view page);

/// Returns the side effects of a task with this input for such a server. `known` may be null:
/// nothing is known. Methods other than tools/call are idempotent. Of a repeated key the last one
/// counts, as in the sent call; params that name two tools are unsafe, because servers differ.
[[nodiscard]] side_effects effects_of_call(std::string_view input, const tool_effects* known);

}  // namespace greenroom::protocols
