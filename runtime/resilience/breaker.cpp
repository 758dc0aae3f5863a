#include "runtime/resilience/breaker.hpp"

namespace greenroom::runtime {

breaker::state breaker::now_is(const settings&, time_point now) const {
  if (!open_) return state::closed;
  return now < until_ ? state::open : state::half_open;
}

bool breaker::admit(const settings& set, time_point now) {
  switch (now_is(set, now)) {
    case state::closed: return true;
    case state::open: return false;
    case state::half_open: break;
  }
  if (probing_ >= set.probes) return false;
  ++probing_;
  return true;
}

void breaker::success() {
  failed_ = probing_ = 0;
  open_ = false;
}

bool breaker::failure(const settings& set, time_point now) {
  if (failed_++ == 0) first_ = now;
  if (open_ && now < until_) return false;  // An attempt from before it opened.
  const bool again = open_;
  if (!again && failed_ < set.failures && (failed_ < 2 || now - first_ < set.patience))
    return false;
  open_ = true;
  probing_ = 0;
  until_ = now + set.open;
  return true;
}

void breaker::forget() {
  if (probing_ > 0) --probing_;
}

}  // namespace greenroom::runtime
