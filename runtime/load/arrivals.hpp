// The arrival processes of a generated load.
#pragma once

#include <optional>

#include "protocols/base/random.hpp"

namespace greenroom::runtime::load {

enum class arrival_kind {
  constant,  ///< Evenly spaced, `rate` per second.
  poisson,   ///< Independent, `rate` per second on average.
  ramp,      ///< Poisson, linear from `rate` at the start to `peak` at the end.
  spike,     ///< Poisson at `rate`, and at `peak` within [spike_at_s, spike_at_s + spike_s).
  closed,    ///< `users` send a request, wait for the reply, think for `think_s`, repeat.
};

/// Rates are per second, times are seconds from the start.
struct arrival_plan {
  arrival_kind kind = arrival_kind::poisson;
  double duration_s = 60;
  double rate = 10;
  double peak = 0;
  double spike_at_s = 0;
  double spike_s = 0;
  std::size_t users = 0;
  double think_s = 0;  ///< Mean; exponentially distributed, 0: none.

  friend bool operator==(const arrival_plan&, const arrival_plan&) = default;
};

/// The rate at a time; 0 outside [0, duration_s). Not defined for a closed loop.
double rate_at(const arrival_plan& plan, double time_s);

/// The sending times of an open loop, in order. They do not depend on replies, so measured
/// latencies have no coordinated omission. Variable rates are drawn by thinning (Lewis and Shedler
/// 1979).
class arrival_times {
public:
  /// @pre The plan is not a closed loop; rates ≥ 0 and one of them > 0.
  arrival_times(const arrival_plan& plan, base::random_source random);

  /// Nothing when the duration is over.
  std::optional<double> next();

private:
  arrival_plan plan_;
  base::random_source random_;
  double time_s_ = 0;
  double rate_max_ = 0;
  double sent_ = 0;
};

}  // namespace greenroom::runtime::load
