// Compares policies by name on one recording.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"
#include "runtime/simulation/cost_ledger.hpp"
#include "runtime/simulation/trace.hpp"

namespace greenroom::runtime {

enum class policy_kind : std::uint8_t {
  always_warm,
  ttl,     ///< Fixed keep-alive.
  hybrid,  ///< Hybrid histogram.
  lru,
  lfu,
  greedy_dual,
  w_tinylfu,
  belady,         ///< Clairvoyant eviction.
  just_in_time,   ///< Clairvoyant prewarming: least memory without cold starts.
  shortest_gaps,  ///< Clairvoyant, no prewarming: keeps through gaps up to a length.
  greenroom,
};

struct policy_choice {
  policy_kind kind = policy_kind::greenroom;
  std::string name;       ///< As given: `ttl:600s`.
  double duration_s = 0;  ///< Of `ttl`, `hybrid` and `shortest_gaps`.
};

/// `greenroom`, `ttl:600s`, `hybrid:4h`, `lru`, `lfu`, `greedy-dual`, `w-tinylfu`, `belady`,
/// `always-warm`, `just-in-time`, `reactive:1h`. Durations use ms, s, m, h, d; the defaults are 10
/// minutes for `ttl`, 4 hours for `hybrid` and 1 hour for `reactive`. On an error, a text that
/// names it.
std::variant<policy_choice, std::string> parse_policy(std::string_view text);
/// The policies compared by default.
std::vector<std::string> default_policies();

struct comparison_settings {
  std::size_t slots = 0;    ///< Hard cap for policies with slots and for `greenroom`; 0: none.
  double memory_ratio = 0;  ///< Above 0: each policy's knob is tuned to at most this.
  double epoch_s = 0;       ///< Added to recorded times, for hours and weekdays.
  /// Of `greenroom` only: the minimum residency; `automatic_residency` follows the load time.
  double min_residency_s = 0;
  /// The default target of `greenroom` for the mean share of memory.
  double target_memory = 0.2;
  /// Called before each run, for progress output.
  std::function<void(std::string_view name, std::size_t run)> progress;
};

/// Runs one policy. A `knob` above 0 replaces its duration, range, slots or price.
simulation_result simulate(const workload& work, const policy_choice& choice,
                           const comparison_settings& settings, double knob = 0);

struct tuned_result {
  simulation_result result;
  std::string knob;     ///< The setting: `keep 412 s`, `31 slots`, `price 8.1e-05`.
  bool reached = true;  ///< False when no setting is within the memory.
};

/// Searches by bisection for the knob with the largest mean memory up to `memory_ratio`. Policies
/// without a knob run unchanged.
tuned_result tune(const workload& work, const policy_choice& choice,
                  const comparison_settings& settings);

/// Runs several settings of the knob, for a curve of cold starts over memory, in order of memory.
std::vector<simulation_result> sweep(const workload& work, const policy_choice& choice,
                                     const comparison_settings& settings, std::size_t points);

}  // namespace greenroom::runtime
