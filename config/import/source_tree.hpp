// Files of other programs as trees.
#pragma once

#include "config/tree.hpp"
#include "protocols/base/expected.hpp"

#include <string_view>

namespace greenroom::config {

/// JSON, with comments and commas before a closing bracket, as editors allow them. Of a repeated
/// key the last value counts.
[[nodiscard]] base::expected<tree, base::problem> tree_of_json(std::string_view text);

/// The part of TOML 1.0 that configurations of MCP clients use: tables (also of arrays), dotted and
/// quoted keys, strings of all four kinds, numbers, truth values, arrays and inline tables. Dates
/// stay text.
[[nodiscard]] base::expected<tree, base::problem> tree_of_toml(std::string_view text);

[[nodiscard]] base::expected<tree, base::problem> tree_of_yaml(std::string_view text);

}  // namespace greenroom::config
