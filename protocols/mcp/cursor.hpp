// Cursors of lists that the node puts together from several servers. Opaque for clients: their form
// may change in every release.
#pragma once

#include "protocols/base/expected.hpp"
#include "protocols/base/mcp_offer.hpp"
#include "protocols/mcp/errors.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace greenroom::protocols::mcp {

/// Where the next page begins.
struct list_position {
  base::mcp_list list = base::mcp_list::tools;
  std::uint64_t scope = 0;  ///< A hash of the endpoint: a cursor is good at its endpoint only.
  std::string server;       ///< Empty: at the beginning.
  std::uint32_t index = 0;  ///< Among the items of that server.

  friend bool operator==(const list_position&, const list_position&) = default;
};

[[nodiscard]] std::string to_cursor(const list_position& position);

/// `params` of a list's request: without a cursor, or with an empty one, the first page. The
/// failure has no id.
[[nodiscard]] base::expected<list_position, failure> position_in(std::string_view params,
                                                                 base::mcp_list list,
                                                                 std::uint64_t scope);

}  // namespace greenroom::protocols::mcp
