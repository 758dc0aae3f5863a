// What calling the tools of a Model Context Protocol server does to the world, as it says itself.
#pragma once

#include "protocols/task.hpp"

#include <map>
#include <string>
#include <string_view>

namespace greenroom::protocols {

/// By name. A tool that is not in it is unsafe to call twice.
using tool_effects = std::map<std::string, side_effects, std::less<>>;

/// More tools than this are not kept of one server, and none with a longer name (the protocol
/// itself recommends 128 letters at most).
constexpr std::size_t tools_max = 4096;
constexpr std::size_t tool_name_bytes_max = 256;

/// Adds a page, the result of tools/list, to `known`: `readOnlyHint` means no side effects,
/// `idempotentHint` idempotent, and anything else unsafe. Returns the raw JSON text of the cursor
/// to the next page; empty: there is none.
[[nodiscard]] std::string add_tools(tool_effects& known, std::string_view page);

/// What the task does whose input goes to such a server. `known` may be null: nothing is known.
/// Methods other than tools/call are idempotent. Of a key that comes twice the last one counts, as
/// for those who send the call; params that name two tools are unsafe, since servers differ.
[[nodiscard]] side_effects effects_of_call(std::string_view input, const tool_effects* known);

}  // namespace greenroom::protocols
