#include "runtime/machine/metrics/striped.hpp"

namespace greenroom::machine {

namespace {

std::array<std::atomic<bool>, stripe::count> taken{};

}  // namespace

std::size_t stripe::claim() {
  constexpr auto shared = count - 1;
  struct claimed {
    std::size_t which = shared;
    ~claimed() {
      // Later counts of this thread go to the shared stripe.
      own_ = shared;
      if (which != shared) taken[which].store(false, std::memory_order_release);
    }
  };
  thread_local claimed mine;
  own_ = shared;
  for (std::size_t i = 0; i < shared; ++i) {
    if (taken[i].exchange(true, std::memory_order_acq_rel)) continue;
    own_ = mine.which = i;
    break;
  }
  return own_;
}

}  // namespace greenroom::machine
