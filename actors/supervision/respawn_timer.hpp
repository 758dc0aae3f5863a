// The timer of a supervisor that replaces an actor after a delay.
#pragma once

#include <caf/all.hpp>

namespace greenroom::actors {

/// With the number of the actor among the supervisor's children.
using respawn_atom = caf::atom_constant<caf::atom("respawn")>;

}  // namespace greenroom::actors
