// A chaos plan in an operator's file: node, traffic, faults, and thresholds for the recovery.
#pragma once

#include "config/problem.hpp"
#include "config/scenario.hpp"
#include "protocols/base/expected.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

/// The values of `kind`, in the order of runtime::chaos::fault_kind.
const std::vector<std::string>& chaos_kinds();
/// The values of `roles`, in the order of runtime::chaos::role.
const std::vector<std::string>& chaos_roles();

struct chaos_fault {
  std::size_t kind = 0;                         ///< Index into chaos_kinds().
  std::chrono::milliseconds from{0}, until{0};  ///< `until` 0: the end of the run.
  std::chrono::milliseconds every{0};           ///< 0: once, at `from`.
  std::chrono::milliseconds lasts{0};           ///< `for`
  std::chrono::milliseconds by{0};              ///< Slow faults: the delay of answers.
  std::chrono::milliseconds step{0};            ///< cascade: the delay from one department to the
                                                ///< next.
  double mb = 0;                   ///< swell_worker: the increase. lower_budget: the new budget.
  std::size_t count = 1;           ///< At once. cascade: number of departments.
  std::vector<std::string> only;   ///< Names of specialists; empty: all.
  std::vector<std::size_t> roles;  ///< kill_actor: indices into chaos_roles(); empty: all.
  std::size_t line = 0;

  friend bool operator==(const chaos_fault&, const chaos_fault&) = default;
};

struct chaos_thresholds {
  std::chrono::milliseconds mean_recovery{7'000}, max_recovery{60'000};
  /// The mean may also be this multiple of a worker's start time in the same run; 0: no.
  double mean_recovery_starts = 0;
  double recovered = 1, success = 0.952;
  std::uint64_t lost = 0;
  std::chrono::milliseconds over_budget{5'000};  ///< The longest time above the memory budget.

  friend bool operator==(const chaos_thresholds&, const chaos_thresholds&) = default;
};

struct chaos_plan {
  std::string name, about;
  std::chrono::milliseconds duration{30'000};
  /// How long to wait for recovery after the end of the run.
  std::chrono::milliseconds settle{10'000};
  std::uint64_t seed = 1;
  /// The node: exactly one of a profile or a configuration file beside the plan.
  std::string profile, config;
  std::vector<std::string> sets;  ///< `key.path=value`, applied to the node's configuration.
  scenario load;                  ///< Arrival and mix; the duration is the plan's.
  double durable = 0;             ///< Share of journaled tasks, 0 to 1.
  std::vector<chaos_fault> faults;
  chaos_thresholds thresholds;

  friend bool operator==(const chaos_plan&, const chaos_plan&) = default;
};

/// The value, or every error of the file; never an empty list.
using chaos_plan_result = base::expected<chaos_plan, std::vector<problem>>;

/// As strict as the node's configuration: reports all errors, each with its line. Specialists'
/// names are not checked here, because the cast is unknown here.
/// ```yaml
/// name: workers die
/// duration: 30s
/// profile: core                       # or config: FILE, beside this one
/// set: [ pool.max_warm=8 ]
/// load:
///   arrival: { kind: poisson, rate: 60 }
///   mix: [ { cast: all, zipf: 0.8, input: { query: login } } ]
///   durable: 0.25
/// faults:
///   - { kind: kill_worker, every: 700ms }
///   - { kind: freeze_worker, every: 5s, for: 1s, only: [api-architect] }
/// thresholds: { mean_recovery: 1s, success: 0.99 }
/// ```
/// Parts of a mix are as in a scenario without `workflow`; arrivals without `closed`.
chaos_plan_result load_chaos_plan_text(std::string_view text, const std::string& source);
chaos_plan_result load_chaos_plan(const std::filesystem::path& file);

}  // namespace greenroom::config
