// A scripted load in an operator's file: targets, rates and thresholds.
#pragma once

#include "config/problem.hpp"
#include "config/tree.hpp"
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

enum class scenario_arrival : std::uint8_t { constant, poisson, ramp, spike, closed };

constexpr std::string_view to_string(scenario_arrival kind) {
  constexpr std::string_view names[] = {"constant", "poisson", "ramp", "spike", "closed"};
  const auto at = static_cast<std::size_t>(kind);
  return at < std::size(names) ? names[at] : std::string_view{};
}

/// One part of the mix. Exactly one of the first five members is set.
struct scenario_part {
  std::string specialist, department, command, workflow;
  bool cast = false;  ///< All specialists of the node, by Zipf's law in the order of its list.
  double zipf = 1.0;  ///< The exponent, with `cast` only.
  double weight = 1.0;
  std::string priority;        ///< high, normal, low; empty: the node's default.
  std::string input = "null";  ///< JSON text.
  std::size_t line = 0;        ///< The line in the file.

  friend bool operator==(const scenario_part&, const scenario_part&) = default;
};

struct scenario_threshold {
  std::string text;  ///< `p95_ms<250`
  std::size_t line = 0;

  friend bool operator==(const scenario_threshold&, const scenario_threshold&) = default;
};

/// Rates are requests per second.
struct scenario {
  std::string name, about;
  std::chrono::milliseconds duration{60'000};
  std::chrono::milliseconds warmup{0};         ///< Sent before the measurement.
  std::chrono::milliseconds patience{30'000};  ///< Limit on the wait for an answer.
  std::uint64_t seed = 1;
  std::size_t connections = 256;  ///< Limit on open connections.
  std::size_t sessions = 0;       ///< Number of cases over which requests are spread; 0: no case.

  scenario_arrival arrival = scenario_arrival::poisson;
  double rate = 0;  ///< constant, poisson; the start of a ramp; a spike's ordinary rate.
  double peak = 0;  ///< The end of a ramp; a spike's peak.
  std::chrono::milliseconds spike_at{0}, spike_for{0};
  std::size_t users = 0;               ///< closed
  std::chrono::milliseconds think{0};  ///< closed: the mean pause between an answer and the next
                                       ///< request.

  std::vector<scenario_part> mix;
  std::vector<scenario_threshold> thresholds;

  friend bool operator==(const scenario&, const scenario&) = default;
};

/// The value, or every error of the file; never an empty list.
using scenario_result = base::expected<scenario, std::vector<problem>>;

/// As strict as the node's configuration: reports all errors, each with its line.
/// ```yaml
/// name: a spike
/// duration: 60s
/// warmup: 5s
/// arrival: { kind: spike, rate: 20, peak: 300, at: 20s, for: 5s }
/// mix:
///   - { cast: all, zipf: 1.0, weight: 4 }
///   - { specialist: api-architect, weight: 1, priority: high, input: { query: rate limits } }
/// thresholds: [ "p95_ms<500", "error_rate<0.01" ]
/// ```
/// `arrival` by kind: constant and poisson { rate }, ramp { from, to }, spike { rate, peak, at, for
/// }, closed { users, think }. The metric names in thresholds are not checked here.
scenario_result load_scenario_text(std::string_view text, const std::string& source);
scenario_result load_scenario(const std::filesystem::path& file);

// Helpers for files that contain a load.

/// Reads `arrival` into the scenario's fields of that name. `path` is the key path of `from`.
void read_arrival(const tree& from, const std::string& path, scenario& to,
                  std::vector<problem>& problems);
/// Reads one part of a mix and appends it.
void read_part(const tree& from, const std::string& path, std::vector<scenario_part>& to,
               std::vector<problem>& problems);

}  // namespace greenroom::config
