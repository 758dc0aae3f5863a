// The surveyor: measures what running workers take of the machine.
#pragma once

#include "actors/house.hpp"
#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>

namespace greenroom::actors {

/// Bytes that the process takes, 0 when it is gone. Reading /proc blocks, so the surveyor runs on a
/// thread of its own (spawn it detached).
using memory_gauge = std::function<std::uint64_t(int pid)>;

struct surveyor_state {
  static constexpr const char* name = "greenroom.surveyor";

  caf::event_based_actor* self = nullptr;
  house* where = nullptr;
  memory_gauge measure;
  std::array<caf::actor, pools> pool_actors;
  std::int64_t last_ns = 0;
  bool two_pools = false;  ///< At the last survey.

  void survey();
  void sum_up(std::uint64_t passed_ms);
};

using surveyor_actor = caf::stateful_actor<surveyor_state>;

/// Surveys every `period`: sends `memory_survey` to the pools, which it learns by
/// `(hire_atom, kind, actor)`, and sums up memory over time for the efficiency.
caf::behavior surveyor(surveyor_actor* self, house* where, memory_gauge measure,
                       std::chrono::milliseconds period);

}  // namespace greenroom::actors
