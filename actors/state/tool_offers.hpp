// What is known of the tools that MCP servers offer: learnt from the workers, asked at the door.
#pragma once

#include "actors/state/catalog.hpp"
#include "protocols/tool_effects.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace greenroom::actors {

/// Whether what a task of this specialist does depends on the tool that it calls.
[[nodiscard]] inline bool decided_by_tool(const config::backend& one) {
  return one.side_effects == config::side_effects::by_protocol
         && one.kind == config::backend_kind::process
         && one.protocol == config::worker_protocol::mcp;
}

/// Any thread may call any method.
class tool_offers {
public:
  /// What a server that was started as `from` says has been said by no other one.
  void learn(std::uint32_t specialist, const config::backend& from,
             std::shared_ptr<const protocols::tool_effects> tools);
  /// What the task with this input does. A tool of which nothing is known is unsafe: so is every
  /// one of a server that was started otherwise than `now` says.
  [[nodiscard]] protocols::side_effects effects(std::uint32_t specialist,
                                                const config::backend& now,
                                                std::string_view input) const;

private:
  struct offer {
    config::backend from;
    std::shared_ptr<const protocols::tool_effects> tools;
  };

  mutable std::mutex mutex_;
  std::unordered_map<std::uint32_t, offer> offers_;  // One a specialist.
};

}  // namespace greenroom::actors
