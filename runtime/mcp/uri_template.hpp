// Whether a URI may come from a template (RFC 6570).
#pragma once

#include <string_view>

namespace greenroom::runtime::mcp {

/// True if values for the expressions may exist that make `uri` of the template. `{x}` is one or
/// more characters without a slash; expressions with an operator or a modifier (`{+x}`, `{/x*}`,
/// `{?x,y}`) are any characters, none included. Values are not compared with their variables, so
/// the answer may be true for too many. False for a template with an unclosed brace, and for texts
/// beyond 1 KiB (the template) or 8 KiB.
[[nodiscard]] bool may_match(std::string_view uri_template, std::string_view uri);

}  // namespace greenroom::runtime::mcp
