#include "runtime/resilience/breaker.hpp"

#include <algorithm>

namespace greenroom::runtime {

breaker::state breaker::now_is(const settings&, time_point now) const {
  if (!open_) return state::closed;
  return now < until_ ? state::open : state::half_open;
}

bool breaker::admit(const settings& set, time_point now) {
  if (!open_) return true;
  if (room(set, now) == 0) return false;
  ++probing_;
  return true;
}

std::size_t breaker::room(const settings& set, time_point now) const {
  switch (now_is(set, now)) {
    case state::closed: return std::numeric_limits<std::size_t>::max();
    case state::open: return 0;
    case state::half_open: break;
  }
  return set.probes - std::min(probing_, set.probes);
}

void breaker::success() {
  failed_ = probing_ = 0;
  open_ = false;
}

bool breaker::failure(const settings& set, time_point now, bool own_fault) {
  if (failed_++ == 0) own_ = 0;
  if (own_fault && own_++ == 0) first_ = now;
  if (open_ && now < until_) return false;  // An attempt from before it opened.
  const bool again = open_;
  if (!again && failed_ < set.failures && (own_ < 2 || now - first_ < set.patience)) return false;
  open_ = true;
  probing_ = 0;
  until_ = now + set.open;
  return true;
}

void breaker::forget() {
  if (probing_ > 0) --probing_;
}

void breaker::under_way(std::size_t attempts) { probing_ = std::min(probing_, attempts); }

}  // namespace greenroom::runtime
