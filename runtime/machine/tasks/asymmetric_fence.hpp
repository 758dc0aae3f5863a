// The two fences of "write one flag, then read the other flag", cheap for the frequent side.
//
// After Dice, Huang, Yang, "Asymmetric Dekker Synchronization" (2001), with Linux's membarrier(2):
// the rare side makes the kernel execute a fence on every core that runs a thread of this process,
// so the frequent side needs only a compiler barrier. A hardware fence or an exchange on the
// frequent side would wait each time until the written value has reached the other cores.
#pragma once

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace greenroom::machine {

/// False without membarrier in the kernel, before registration, and under the thread sanitizer,
/// which does not model membarrier: then both sides use `fence_meeting`.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool fences_are_asymmetric = false;
#else
inline const bool fences_are_asymmetric =
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#endif

/// Both sides modify this variable; the second side sees what the first side wrote before.
inline std::atomic<unsigned> fence_meeting{0};

/// Between a write and a read on the frequent side.
inline void light_fence() {
  if (fences_are_asymmetric)
    std::atomic_signal_fence(std::memory_order_seq_cst);
  else
    fence_meeting.fetch_add(1, std::memory_order_seq_cst);
}

/// Between a write and a read on the rare side. Takes a microsecond or more.
inline void heavy_fence() {
  fence_meeting.fetch_add(1, std::memory_order_seq_cst);
  if (fences_are_asymmetric)
    static_cast<void>(::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
}

}  // namespace greenroom::machine
