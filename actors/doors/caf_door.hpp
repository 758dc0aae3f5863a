// The door for other actors: a typed interface to a node's specialists.
#pragma once

#include "actors/tasks/admission.hpp"
#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <string>
#include <unordered_map>

namespace greenroom::actors {

/// What an actor can ask of a node.
using caf_door_actor = caf::typed_actor<
    // Does one task, or refuses it. Every order has exactly one answer.
    caf::replies_to<protocols::work_atom, protocols::task_order>::with<protocols::task_answer>,
    // Takes a task back. True when it had not ended yet.
    caf::replies_to<protocols::drop_atom, std::string>::with<bool>>;

/// With the end of a task, told to the door itself: a promise may be kept only by the actor that
/// made it, because CAF delivers it on that actor's execution unit.
using caf_door_self = caf_door_actor::extend<
    caf::reacts_to<protocols::report_atom, std::uint64_t, protocols::task_answer>>;

struct caf_door_state {
  static constexpr const char* name = "greenroom.caf_door";
  /// Promises made and not kept, by ticket; each has a task in the ledger, which is their bound.
  std::unordered_map<std::uint64_t, caf::typed_response_promise<protocols::task_answer>> promises;
  std::uint64_t last_ticket = 0;
};

caf_door_self::behavior_type caf_door(caf_door_self::stateful_pointer<caf_door_state> self,
                                      machine::task_ledger* ledger, admission* desk);

}  // namespace greenroom::actors
