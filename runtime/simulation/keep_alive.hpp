// Policies that decide for each specialist alone: how long to keep it after its last task, and
// whether to start it before the next one.
#pragma once

#include <memory>
#include <vector>

#include "runtime/simulation/cost_ledger.hpp"
#include "runtime/simulation/trace.hpp"

namespace greenroom::runtime {

/// The plan for a worker that has just become idle, in seconds from then.
struct idle_window {
  double prewarm_s = 0;  ///< 0: stays warm. Above 0: cools at once and loads again at this time.
  double until_s = 0;    ///< When it is cooled. Never before `prewarm_s`.
};

class keep_alive_rule {
public:
  virtual ~keep_alive_rule() = default;
  /// `who` is idle now. `gap_s` is the coming idle time, for clairvoyant policies.
  virtual idle_window after_task(specialist_index who, double gap_s) = 0;
  /// An idle time ended with a request.
  virtual void observe_gap(specialist_index, double) {}
  /// At the start of the trace; the first request comes after `gap_s`.
  virtual idle_window before_first(specialist_index, double) { return {}; }
};

std::unique_ptr<keep_alive_rule> make_always_warm();
/// The fixed timer of most systems.
std::unique_ptr<keep_alive_rule> make_fixed_keep_alive(double keep_s);

/// Serverless in the Wild (Shahrad et al., ATC 2020), section 4: a histogram of each specialist's
/// idle times decides when to prewarm and how long to keep. Bins of a minute over `range_s`; ready
/// at the 5th percentile less 10 % (the load starts `load_s` earlier), kept to the 99th percentile
/// plus 10 %. The whole range is kept without data and while the coefficient of variation of the
/// bin counts is below 2. When more than half of at least 4 idle times exceed the range, the mean
/// of the last 8 idle times ± 15 % replaces the paper's ARIMA forecast.
std::unique_ptr<keep_alive_rule> make_hybrid_histogram(double range_s, double load_s,
                                                       std::size_t specialists);

/// Clairvoyant: every load starts exactly `load_s` before its request.
std::unique_ptr<keep_alive_rule> make_just_in_time(double load_s);
/// Clairvoyant without prewarming: keeps through exactly the gaps of at most `longest_s`. No policy
/// without prewarming has fewer cold starts at the same memory (all loads cost the same).
std::unique_ptr<keep_alive_rule> make_shortest_gaps(double longest_s);

simulation_result run_keep_alive(const workload& work, keep_alive_rule& rule);

}  // namespace greenroom::runtime
