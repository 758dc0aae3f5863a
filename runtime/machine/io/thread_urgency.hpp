// How soon a thread is run: right away when the disk has answered, or after everybody else.
#pragma once

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

}  // namespace greenroom::machine
