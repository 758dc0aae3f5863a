// The two halves of "write mine, then look at yours": cheap for the one who does it all the time.
//
// After Dice, Huang, Yang, "Asymmetric Dekker Synchronization" (2001), by means of Linux's
// membarrier(2): the seldom side makes the kernel execute a fence on every core that runs one of
// our threads, so the frequent side need only keep the compiler from reordering. A fence there, or
// an exchange, would wait each time until what was just written has reached the other core.
#pragma once

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace greenroom::machine {

/// False where the kernel does not offer it, or before it was asked, and for the thread sanitizer,
/// which knows nothing of it: both sides meet at one place then.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool fences_are_asymmetric = false;
#else
inline const bool fences_are_asymmetric =
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#endif

/// Of two who meet here the second one sees what the first one has written before.
inline std::atomic<unsigned> fence_meeting{0};

/// Between a write and a read of the frequent side.
inline void light_fence() {
  if (fences_are_asymmetric)
    std::atomic_signal_fence(std::memory_order_seq_cst);
  else
    fence_meeting.fetch_add(1, std::memory_order_seq_cst);
}

/// Between a write and a read of the seldom side. A microsecond or more.
inline void heavy_fence() {
  fence_meeting.fetch_add(1, std::memory_order_seq_cst);
  if (fences_are_asymmetric)
    static_cast<void>(::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
}

}  // namespace greenroom::machine
