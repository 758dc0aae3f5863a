// Policies by name, side by side on one recording.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"
#include "runtime/simulation/ledger.hpp"
#include "runtime/simulation/trace.hpp"

namespace greenroom::runtime {

enum class policy_kind : std::uint8_t {
  always_warm,
  ttl,     ///< Fixed keep-alive, for a duration.
  hybrid,  ///< Hybrid histogram, over a range.
  lru,
  lfu,
  greedy_dual,
  w_tinylfu,
  belady,         ///< Clairvoyant eviction.
  just_in_time,   ///< Clairvoyant prewarming: the lower bound of memory with no cold start.
  shortest_gaps,  ///< Clairvoyant keeping without prewarming, up to a longest gap.
  greenroom,
};

struct policy_choice {
  policy_kind kind = policy_kind::greenroom;
  std::string name;       ///< As it was asked for: `ttl:600s`.
  double duration_s = 0;  ///< Of `ttl`, `hybrid` and `shortest_gaps`.
};

/// `greenroom`, `ttl:600s`, `hybrid:4h`, `lru`, `lfu`, `greedy-dual`, `w-tinylfu`, `belady`,
/// `always-warm`, `just-in-time`, `reactive:1h`. Durations take ms, s, m, h, d; without one `ttl`
/// has 10 minutes, `hybrid` 4 hours and `reactive` 1 hour. On an error, what is wrong with it.
std::variant<policy_choice, std::string> parse_policy(std::string_view text);
/// What to compare when nothing was asked for.
std::vector<std::string> default_policies();

struct comparison_settings {
  std::size_t slots = 0;    ///< Hard cap for every policy that has slots, and for ours; 0: none.
  double memory_ratio = 0;  ///< Above 0: each policy's knob is tuned to at most this.
  double epoch_s = 0;       ///< Added to the recording's time for hours and weekdays.
  /// Of ours: how long one that was started keeps its place; `automatic_residency` follows the load
  /// time. The policies that it is compared with have none.
  double min_residency_s = 0;
  /// The mean share that ours aims at when nothing else is asked for.
  double target_memory = 0.2;
  /// Called before each run; for a progress display.
  std::function<void(std::string_view name, std::size_t run)> progress;
};

/// Runs one policy. `knob` above 0 replaces its duration, range, slots or price.
simulation_result simulate(const workload& work, const policy_choice& choice,
                           const comparison_settings& settings, double knob = 0);

struct tuned_result {
  simulation_result result;
  std::string knob;     ///< What was found: `keep 412 s`, `31 slots`, `price 8.1e-05`.
  bool reached = true;  ///< False when no setting of the knob is within the memory.
};

/// Turns the knob by bisection until the mean memory is as close to `memory_ratio` as it gets
/// without exceeding it. Policies without a knob are run as they are.
tuned_result tune(const workload& work, const policy_choice& choice,
                  const comparison_settings& settings);

/// The knob at several settings, for a curve of cold starts against memory, in order of memory.
std::vector<simulation_result> sweep(const workload& work, const policy_choice& choice,
                                     const comparison_settings& settings, std::size_t points);

}  // namespace greenroom::runtime
