// Scheduling of a thread: at once after a disk answer, or only when no other thread is ready.
#pragma once

#include <cstdint>

namespace greenroom::machine {

/// Requests SCHED_RR at its lowest priority for the calling thread only: threads and processes that
/// it starts are ordinary again. If all cores are busy, a commit otherwise waits for the rest of
/// another thread's slice (4 ms) after each flush of 0.1 ms. Only for threads that block soon and
/// often. False if the kernel refuses (CAP_SYS_NICE, or a limit on real-time priority): then
/// nothing changes.
bool hurry_this_thread();

/// For a thread with low-priority work: while others want the processor, the thread gets a percent
/// or two and does not preempt them. Returns false if refused; no privilege is needed.
bool let_others_first();

/// A running low-priority thread keeps its core for a slice of some 3 ms (EEVDF's base slice), and
/// any thread that needs the core waits; sched_yield does not help before the share is used up. So
/// the thread sleeps briefly after each 0.1 ms: that halves the speed of the low-priority work, and
/// limits the delay of other threads to 0.1 ms.
class courtesy {
public:
  /// Begins a piece of work.
  courtesy();
  void now_and_then();

private:
  std::int64_t since_ns_;
};

}  // namespace greenroom::machine
