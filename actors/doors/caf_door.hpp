// The door for actors: a typed handle to a node, in an actor system of the embedding service.
// Installed as <greenroom/caf_door.hpp>.
#pragma once

#include "actors/node/node.hpp"
#include "protocols/task_messages.hpp"

#include <caf/actor_system.hpp>

namespace greenroom {

/// Opens a door to the node in `system`. The node's own actors live in another system, to which
/// other actors must not send; the door is an actor of `system` and submits orders with
/// `node::submit`. All actors of `system`, typed or not, may send to the door.
///
/// The door ends when no reference and no open order is left, or by an exit message: then open
/// orders are answered as cancelled, and tasks that are not durable are cancelled. When the node is
/// destroyed first, open orders are answered, and later orders are refused as `draining`: the node
/// and `system` may be destroyed in any order.
[[nodiscard]] caf_door open_caf_door(caf::actor_system& system, node& served);

}  // namespace greenroom
