// What a node reads from its journal when it starts.
#pragma once

#include "actors/state/status_board.hpp"
#include "runtime/machine/journal/journal.hpp"

namespace greenroom::actors {

/// The records of the rollout, of the latest rollbacks and of the evidence. Deletes records of
/// rollbacks that are no longer kept.
[[nodiscard]] journaled_status read_journaled_status(machine::journal& from);

}  // namespace greenroom::actors
