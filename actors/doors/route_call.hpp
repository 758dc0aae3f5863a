// One request on its way through a route.
#pragma once

#include "protocols/base/expected.hpp"
#include "runtime/machine/http/server.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::doors {

struct route_call {
  machine::http::request& request;
  machine::http::responder reply;
  std::vector<std::string> captured;  ///< The values of `{name}` and `{id}` of the path, decoded.

  /// The decoded value of a parameter of the query: of `limit` in `?limit=10`.
  /// @pre The query can be decoded.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// Percent-decoding. A `%` without two hexadecimal digits is an error.
[[nodiscard]] base::expected<std::string> decoded(std::string_view text, bool plus_is_space);

}  // namespace greenroom::doors
