// How soon a thread is run: right away when the disk has answered, or after everybody else.
#pragma once

#include <cstdint>

namespace greenroom::machine {

/// Asks for SCHED_RR at its lowest priority for the calling thread, and for it alone: threads and
/// processes that it starts are ordinary again. On a machine whose cores are all busy, a commit
/// otherwise waits for the rest of somebody else's slice (4 ms) after each flush of 0.1 ms. Only
/// for threads that give way by themselves soon, and often. False when the kernel does not allow it
/// (CAP_SYS_NICE, or a limit on real-time priority): then all is as before.
bool hurry_this_thread();

/// For a thread whose work can wait: while others want the processor it gets a percent or two of
/// it, and does not interrupt them. Returns whether that was granted; anybody may.
bool let_others_first();

/// Once such a thread runs it has its core for a slice of some 3 ms (EEVDF's base slice), however
/// low its share, and whoever needs that core waits; sched_yield does not help as long as it has
/// not had its share. So it sleeps for a moment after each 0.1 ms: it costs half of the speed of
/// what can wait, and nobody else more than that 0.1 ms.
class courtesy {
public:
  /// A piece of work begins.
  courtesy();
  void now_and_then();

private:
  std::int64_t since_ns_;
};

}  // namespace greenroom::machine
