// The node's clock.
#pragma once

#include "runtime/machine/io/clock.hpp"

#include <memory>

namespace greenroom::machine {

/// Returns a clock that costs a third of the system's: the processor's time stamp counter, if the
/// kernel uses it too (clock source `tsc`: the counter is invariant and equal on all cores),
/// adjusted to the steady clock every 10 ms. The system's clock waits for all earlier loads, which
/// delays a task from another core several times. Stays within a microsecond of the steady clock,
/// and goes back by at most that. Elsewhere returns the steady clock itself.
[[nodiscard]] std::shared_ptr<const clock> fast_clock();

}  // namespace greenroom::machine
