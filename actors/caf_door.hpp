// The door for other actors: a typed interface to a node's specialists.
#pragma once

#include "actors/front_desk.hpp"
#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

namespace greenroom::actors {

/// What an actor can ask of a node.
using caf_door_actor = caf::typed_actor<
    // Does one task, or refuses it. Every order has exactly one answer.
    caf::replies_to<protocols::work_atom, protocols::task_order>::with<protocols::task_answer>,
    // Takes a task back. True when it had not ended yet.
    caf::replies_to<protocols::drop_atom, std::string>::with<bool>>;

/// The promise of an order is kept by its task and delivered on the thread where the task ends, so
/// the answer takes no way back through this actor.
caf_door_actor::behavior_type caf_door(caf_door_actor::pointer self, house* where,
                                       front_desk* desk);

}  // namespace greenroom::actors
