// Kills one actor of a node's tree, by its name: how chaos runs and tests find out what is lost
// with it. The tree itself knows nothing of this.
#pragma once

#include "actors/supervision/node_state.hpp"
#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

#include <string_view>

namespace greenroom::apps {

/// `name` is `dispatcher`, `journal`, `memory_sampler`, `monitor`, `rollout`, `rollback`,
/// `predictor`, `pool`, `director`, `department NAME` or `specialist NAME`. The last four kinds are
/// of the intelligent pool, or of the baseline pool after the word `baseline`. From any thread.
/// False when there is no such name. The actor dies later, when its supervisors have had their
/// turns; when it does not live then, nothing happens. Whether it died, the event `actor.lost`
/// says.
/// @pre `shared` lives until no actor of the tree has work.
[[nodiscard]] bool kill_actor(const protocols::root_actor& root, actors::node_state& shared,
                              std::string_view name);

}  // namespace greenroom::apps
