#include "actors/state/tool_offers.hpp"

#include <utility>

namespace greenroom::actors {

void tool_offers::learn(std::uint32_t specialist, const config::backend& from,
                        std::shared_ptr<const protocols::tool_effects> tools) {
  const std::lock_guard lock{mutex_};
  offers_.insert_or_assign(specialist, offer{from, std::move(tools)});
}

protocols::side_effects tool_offers::effects(std::uint32_t specialist, const config::backend& now,
                                             std::string_view input) const {
  std::shared_ptr<const protocols::tool_effects> known;
  {
    const std::lock_guard lock{mutex_};
    if (const auto found = offers_.find(specialist); found != offers_.end()) {
      const auto& from = found->second.from;
      if (from.command == now.command && from.env == now.env && from.cwd == now.cwd)
        known = found->second.tools;
    }
  }
  return protocols::effects_of_call(input, known.get());
}

}  // namespace greenroom::actors
