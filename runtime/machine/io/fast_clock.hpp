// The clock of a node.
#pragma once

#include "runtime/machine/io/clock.hpp"

#include <memory>

namespace greenroom::machine {

/// A clock that costs a third of the system's to look at: the processor's time stamp counter, where
/// the kernel itself takes the time from it (its clock source is `tsc`: the counter is invariant,
/// and the same on all cores), set by the steady clock every 10 ms. To look at the system's waits
/// until all that was read before has arrived, which a task that comes from another core has to pay
/// several times. Within a microsecond of the steady clock, and back by no more than that.
/// Elsewhere the steady clock itself.
[[nodiscard]] std::shared_ptr<const clock> fast_clock();

}  // namespace greenroom::machine
