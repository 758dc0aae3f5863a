// What one server of the Model Context Protocol offers, as every folder passes it on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::base {

/// The two families of protocol versions. The numbers are in stored offers: never change them.
enum class mcp_era : std::uint8_t {
  legacy,  ///< Up to 2025-11-25: `initialize`, then a session.
  modern,  ///< From 2026-07-28 on: every request carries its version and capabilities.
};

[[nodiscard]] constexpr std::string_view to_string(mcp_era value) {
  return value == mcp_era::modern ? "modern" : "legacy";
}

/// The lists that a server has. The numbers are in cursors that clients hold: append only.
enum class mcp_list : std::uint8_t { tools, prompts, resources, templates };
inline constexpr std::size_t mcp_lists = 4;
inline constexpr std::array<mcp_list, mcp_lists> all_mcp_lists{
    mcp_list::tools, mcp_list::prompts, mcp_list::resources, mcp_list::templates};

/// The member of a list's result that holds the items, and the item's member that is its key.
[[nodiscard]] constexpr std::string_view items_member(mcp_list list) {
  constexpr std::array<std::string_view, mcp_lists> names{"tools", "prompts", "resources",
                                                          "resourceTemplates"};
  return names[static_cast<std::size_t>(list)];
}
[[nodiscard]] constexpr std::string_view key_member(mcp_list list) {
  constexpr std::array<std::string_view, mcp_lists> names{"name", "name", "uri", "uriTemplate"};
  return names[static_cast<std::size_t>(list)];
}
[[nodiscard]] constexpr std::string_view list_method(mcp_list list) {
  constexpr std::array<std::string_view, mcp_lists> names{
      "tools/list", "prompts/list", "resources/list", "resources/templates/list"};
  return names[static_cast<std::size_t>(list)];
}

/// One tool, prompt, resource or template.
struct mcp_item {
  std::string key;   ///< Its name, URI or URI template, decoded.
  std::string json;  ///< The whole item as the server wrote it, on one line.

  friend bool operator==(const mcp_item&, const mcp_item&) = default;
};

struct mcp_offer {
  mcp_era era = mcp_era::legacy;
  std::string version;       ///< The protocol version that was agreed on with the server.
  std::string server_info;   ///< A JSON object; empty: unknown.
  std::string capabilities;  ///< A JSON object; empty: unknown.
  std::string instructions;  ///< Text for models; empty: none.
  std::array<std::vector<mcp_item>, mcp_lists> lists;

  [[nodiscard]] std::vector<mcp_item>& operator[](mcp_list list) {
    return lists[static_cast<std::size_t>(list)];
  }
  [[nodiscard]] const std::vector<mcp_item>& operator[](mcp_list list) const {
    return lists[static_cast<std::size_t>(list)];
  }
  friend bool operator==(const mcp_offer&, const mcp_offer&) = default;
};

}  // namespace greenroom::base
