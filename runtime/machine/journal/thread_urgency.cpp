#include "runtime/machine/journal/thread_urgency.hpp"

#include <pthread.h>
#include <sched.h>

namespace greenroom::machine {

bool hurry_this_thread() {
  sched_param lowest{};
  lowest.sched_priority = ::sched_get_priority_min(SCHED_RR);
  return ::pthread_setschedparam(::pthread_self(), SCHED_RR | SCHED_RESET_ON_FORK, &lowest) == 0;
}

}  // namespace greenroom::machine
