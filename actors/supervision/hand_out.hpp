// Which parts of the node's state each actor is handed: the list is in `hand_out.cpp`.
#pragma once

namespace greenroom::actors {

struct node_state;

/// The parts for one kind of actor: `hand_out<dispatcher_parts>(state)`. Defined for every
/// `…_parts` of an actor, of the admission, and of what the doors and the node use. The parts refer
/// to the state, which must outlive the actor.
template <class Parts>
[[nodiscard]] Parts hand_out(node_state& from);

}  // namespace greenroom::actors
