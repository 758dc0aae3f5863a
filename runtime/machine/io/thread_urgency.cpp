#include "runtime/machine/io/thread_urgency.hpp"

#include "runtime/machine/io/clock.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>

namespace greenroom::machine {

bool hurry_this_thread() {
  sched_param lowest{};
  lowest.sched_priority = ::sched_get_priority_min(SCHED_RR);
  return ::pthread_setschedparam(::pthread_self(), SCHED_RR | SCHED_RESET_ON_FORK, &lowest) == 0;
}

bool let_others_first() {
  // On Linux a nice value belongs to the thread (nice(2), "C library/kernel differences").
  constexpr int lowest = 19;
  return ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), lowest) == 0;
}

courtesy::courtesy() : since_ns_{steady_now_ns()} {}

void courtesy::now_and_then() {
  constexpr std::int64_t most_ns = 100'000;
  constexpr timespec moment{0, 50'000};
  if (steady_now_ns() - since_ns_ < most_ns) return;
  ::nanosleep(&moment, nullptr);
  since_ns_ = steady_now_ns();
}

}  // namespace greenroom::machine
