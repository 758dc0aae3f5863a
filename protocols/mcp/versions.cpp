#include "protocols/mcp/versions.hpp"

#include "protocols/base/json_writer.hpp"

#include <algorithm>
#include <cstddef>

namespace greenroom::protocols::mcp {
namespace {

bool is_date(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00";
  return text.size() == shape.size()
         && std::equal(text.begin(), text.end(), shape.begin(), [](char letter, char wanted) {
              return wanted == '-' ? letter == '-' : letter >= '0' && letter <= '9';
            });
}

}  // namespace

bool is_served(std::string_view version) {
  return std::find(served_versions.begin(), served_versions.end(), version)
         != served_versions.end();
}

bool is_served(std::string_view version, mcp_era era) {
  return is_served(version) && is_modern(version) == (era == mcp_era::modern);
}

bool is_modern(std::string_view version) { return is_date(version) && version >= newest_modern; }

std::string_view negotiated(std::string_view asked) {
  const auto found = std::find(served_versions.begin(), served_versions.end(), asked);
  return found != served_versions.end() && !is_modern(*found) ? *found : newest_legacy;
}

std::string supported_versions() {
  base::json_array result;
  for (const auto version : served_versions)
    if (version >= version_without_header) result.add(version);
  return std::move(result).text();
}

}  // namespace greenroom::protocols::mcp
