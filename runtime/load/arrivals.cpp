#include "runtime/load/arrivals.hpp"

#include <algorithm>
#include <cassert>

namespace greenroom::runtime::load {

double rate_at(const arrival_plan& plan, double time_s) {
  if (time_s < 0 || time_s >= plan.duration_s) return 0;
  switch (plan.kind) {
    case arrival_kind::constant:
    case arrival_kind::poisson: return plan.rate;
    case arrival_kind::ramp: return plan.rate + (plan.peak - plan.rate) * time_s / plan.duration_s;
    case arrival_kind::spike:
      return time_s >= plan.spike_at_s && time_s < plan.spike_at_s + plan.spike_s ? plan.peak
                                                                                  : plan.rate;
    case arrival_kind::closed: return 0;
  }
  return 0;
}

arrival_times::arrival_times(const arrival_plan& plan, base::random_source random)
    : plan_{plan}, random_{random} {
  assert(plan.kind != arrival_kind::closed);
  const bool varies = plan.kind == arrival_kind::ramp || plan.kind == arrival_kind::spike;
  rate_max_ = varies ? std::max(plan.rate, plan.peak) : plan.rate;
  assert(rate_max_ > 0);
}

std::optional<double> arrival_times::next() {
  if (plan_.kind == arrival_kind::constant) {
    // A multiplication, because adding a rounded gap a million times would drift.
    time_s_ = sent_ / plan_.rate;
    ++sent_;
    return time_s_ < plan_.duration_s ? std::optional{time_s_} : std::nullopt;
  }
  for (;;) {
    time_s_ += random_.exponential(1 / rate_max_);
    if (time_s_ >= plan_.duration_s) return std::nullopt;
    if (random_.uniform() * rate_max_ < rate_at(plan_, time_s_)) return time_s_;
  }
}

}  // namespace greenroom::runtime::load
