#include "runtime/resilience/restart_budget.hpp"

#include <algorithm>

namespace greenroom::runtime {

std::optional<restart_budget::duration> restart_budget::next_restart(const settings& set,
                                                                     time_point now) {
  std::erase_if(recent_, [&](time_point then) { return then + set.window <= now; });
  if (recent_.size() >= set.restarts_max) return std::nullopt;
  constexpr std::size_t doublings_max = 10;
  const auto doublings = std::min(recent_.size(), doublings_max);
  recent_.push_back(now);
  return set.delay * (1 << doublings);
}

}  // namespace greenroom::runtime
