// Parameters of a tool that HTTP clients repeat as `Mcp-Param-NAME` (2026-07-28, streamable-http,
// "Custom Headers from Tool Parameters").
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/mcp/errors.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom::protocols::mcp {

/// A header field: its name and its value.
using header_field = std::pair<std::string_view, std::string_view>;

inline constexpr std::string_view parameter_prefix = "Mcp-Param-";

struct parameter_header {
  enum class kind : std::uint8_t { text, integer, boolean };

  std::string name;               ///< Behind `Mcp-Param-`.
  std::vector<std::string> path;  ///< Members from the arguments to the value.
  kind type = kind::text;

  friend bool operator==(const parameter_header&, const parameter_header&) = default;
};

/// The declarations `x-mcp-header` of an input schema, which are properties that only `properties`
/// lead to. A problem when one is anywhere else, is no token, occurs twice, or belongs to another
/// type: then a client leaves the tool out. Nested at most 32 deep, at most 64 declarations.
[[nodiscard]] base::expected<std::vector<parameter_header>, base::problem> parameter_headers(
    std::string_view input_schema);

/// Whether the fields of a request say what its arguments (a JSON object) say. Undeclared
/// `Mcp-Param-*` are ignored. The failure has no id.
[[nodiscard]] base::expected<void, failure> check_parameters(
    const std::vector<parameter_header>& declared, std::span<const header_field> fields,
    std::string_view arguments);

/// The fields for a call with these arguments, names complete.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parameter_fields(
    const std::vector<parameter_header>& declared, std::string_view arguments);

}  // namespace greenroom::protocols::mcp
