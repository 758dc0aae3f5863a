#include "actors/doors/parameters.hpp"

#include "protocols/base/duration.hpp"
#include "protocols/base/number.hpp"

#include <string>

namespace greenroom::doors {

base::expected<std::uint64_t, rejection> count_in(const route_call& call, std::string_view name,
                                                  std::uint64_t otherwise, std::uint64_t most) {
  const auto text = call.parameter(name);
  if (!text || text->empty()) return otherwise;
  if (const auto value = base::parse_number<std::uint64_t>(*text); value && *value <= most)
    return *value;
  return malformed("\"" + std::string{name} + "\" is a whole number of at most "
                   + std::to_string(most) + ".");
}

base::expected<std::optional<std::chrono::milliseconds>, rejection> period_in(
    const route_call& call) {
  const auto text = call.parameter("last");
  if (!text || text->empty()) return std::optional<std::chrono::milliseconds>{};
  const auto read = base::parse_duration(*text);
  if (read && read->count() > 0) return std::optional<std::chrono::milliseconds>{*read};
  return malformed(R"("last" is a duration such as 15m or 24h.)");
}

}  // namespace greenroom::doors
