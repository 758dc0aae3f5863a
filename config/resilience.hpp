// Reactions to failures: retries, circuit breakers, restarts of actors.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace greenroom::config {

/// Exponential backoff: base · 2^(attempt − 1), at most `max`, each varied by ± jitter.
struct retry {
  std::size_t max_attempts = 3;  ///< Including the first attempt.
  std::chrono::milliseconds base{100};
  std::chrono::milliseconds max{5'000};
  double jitter = 0.2;  ///< Share of the delay, 0 to 1.

  friend bool operator==(const retry&, const retry&) = default;
};

/// Circuit breaker of one specialist.
struct breaker {
  std::size_t failures = 5;  ///< Consecutive failures that open it.
  std::chrono::milliseconds open{5'000};
  std::size_t half_open_probes = 1;

  friend bool operator==(const breaker&, const breaker&) = default;
};

/// The root's restart limits for departments, and the default of every department's own limits.
struct supervision {
  std::size_t restarts_max = 3;  ///< Within the window; one more escalates.
  std::chrono::milliseconds window{60'000};
  std::chrono::milliseconds delay{100};  ///< Before a restart; doubles with each in the window.

  friend bool operator==(const supervision&, const supervision&) = default;
};

/// The children that a supervisor restarts when one child ends (names as in Erlang/OTP).
enum class restart_strategy : std::uint8_t { one_for_one, one_for_all, rest_for_one };

constexpr std::string_view to_string(restart_strategy strategy) {
  constexpr std::string_view names[] = {"one_for_one", "one_for_all", "rest_for_one"};
  const auto at = static_cast<std::size_t>(strategy);
  return at < std::size(names) ? names[at] : std::string_view{};
}

}  // namespace greenroom::config
