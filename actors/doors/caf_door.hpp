// The door for actors: a typed handle to a node, in an actor system of the embedding service.
// Installed as <greenroom/caf_door.hpp>.
#pragma once

#include "actors/node/node.hpp"
#include "protocols/task_messages.hpp"

#include <caf/actor_system.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <string>

namespace greenroom {

/// What an actor can ask of a node.
using caf_door = caf::typed_actor<
    // Does one task, or refuses it: one answer to each order, when the task has ended. Ask with
    // `caf::infinite`: the task has a deadline of its own, and the door keeps it.
    caf::replies_to<protocols::task_order>::with<protocols::task_answer>,
    // Cancels a task. True when it had not ended yet; its order is answered as cancelled.
    caf::replies_to<protocols::task_cancel>::with<bool>>;

/// A door to `of` in `system`. The node's own actors live in another system, which nobody else may
/// send to; the door is an actor of `system` and hands orders over as `node::submit` does, so it
/// can be sent to from anywhere in `system`, by typed and by other actors.
///
/// The door ends when nobody refers to it and no order of it is open, or by an exit message: then
/// open orders are answered as cancelled, and tasks that are not durable are cancelled. A node that
/// is destroyed while the door lives answers what is open, and every later order is refused as
/// `draining`: the node and `system` may be destroyed in any order.
[[nodiscard]] caf_door open_caf_door(caf::actor_system& system, node& of);

}  // namespace greenroom
