// The restart budget of an actor or worker: how often and how soon it is replaced.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace greenroom::runtime {

/// At most `restarts_max` replacements within any `window` (the restart intensity of OTP's
/// supervisors), each after a longer delay than the one before. Failures older than the window do
/// not count.
class restart_budget {
public:
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;
  struct settings {
    std::size_t restarts_max = 3;
    duration window{std::chrono::seconds{60}};
    duration delay{std::chrono::milliseconds{100}};
  };

  /// Records a failure. Returns the delay before the replacement, or nothing when the budget is
  /// spent and the failure must be escalated. @pre `now` never decreases.
  [[nodiscard]] std::optional<duration> next_restart(const settings& set, time_point now);

private:
  std::vector<time_point> recent_;  // Oldest first, at most restarts_max.
};

}  // namespace greenroom::runtime
