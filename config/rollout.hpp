// When the intelligent pool takes over from the baseline, and when it must give traffic back.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

/// Criteria to leave the shadow phase. Shares are 0 to 1. A criterion of 0 is not checked.
struct rollout_criteria {
  double memory_efficiency = 0.70;  ///< At least.
  double error_rate = 0.02;         ///< At most.
  double response_ratio = 2.5;      ///< At most, over the baseline's response time.
  /// Tolerated delay over the baseline whatever the ratio, for the judge and for the trigger
  /// `rollback.response_ratio`: "response overhead over always-warm, aim 250 ms". With tasks of a
  /// millisecond, one cold start is a ratio of a hundred. 0: the ratio alone decides.
  std::chrono::milliseconds response_slack{250};

  friend bool operator==(const rollout_criteria&, const rollout_criteria&) = default;
};

/// Steps at which a passing plan waits for an operator's `rollout advance`.
struct rollout_confirmations {
  bool leave_shadow = false;
  bool raise_percentage = false;
  bool go_full = false;
  bool complete = false;

  friend bool operator==(const rollout_confirmations&, const rollout_confirmations&) = default;
};

struct rollout {
  std::chrono::milliseconds check_interval{15'000};
  std::chrono::milliseconds grace{30'000};             ///< How long a trigger must hold.
  std::chrono::milliseconds shadow_hold{30 * 60'000};  ///< A minimum, like `min_samples`.
  std::chrono::milliseconds step_hold{30 * 60'000};    ///< At each percentage.
  std::chrono::milliseconds full_hold{0};              ///< In FULL_DEPLOYMENT; 0: as `step_hold`.
  std::chrono::milliseconds optimization_hold{0};      ///< In OPTIMIZATION; 0: as `step_hold`.
  std::chrono::milliseconds hold_limit{0};  ///< A stage that has not passed by then fails; 0:
                                            ///< never.
  std::size_t min_samples = 500;
  rollout_criteria criteria;
  /// Output fields that the comparison ignores: `server.pid`, `items[].id`, `**.host`.
  std::vector<std::string> ignore;
  rollout_confirmations confirm;

  friend bool operator==(const rollout&, const rollout&) = default;
};

/// The reaction when a rollback trigger has held for its grace, or when the rollout's judge is
/// certain.
enum class rollback_automatic : std::uint8_t {
  yes,  ///< Roll back to the baseline.
  no,   ///< Report an event and a status only.
  ask,  ///< Propose a rollback; `greenroom rollback --confirm` executes it.
};

constexpr std::string_view to_string(rollback_automatic what) {
  constexpr std::string_view names[] = {"true", "false", "ask"};
  const auto at = static_cast<std::size_t>(what);
  return at < std::size(names) ? names[at] : std::string_view{};
}

/// Triggers of the automatic rollback. Shares are 0 to 1.
struct rollback {
  rollback_automatic automatic = rollback_automatic::yes;
  double error_rate = 0.10;         ///< Above.
  double response_ratio = 3.0;      ///< Above, over the baseline's response time.
  double memory_use = 0.90;         ///< Above.
  double memory_efficiency = 0.20;  ///< Below.
  double health = 0.60;             ///< Below.
  std::chrono::milliseconds critical_alerts{120'000};  ///< Active for longer.
  double success_rate = 0.80;                          ///< Below.
  /// Above: memory of the intelligent pool's workers relative to the baseline's workers. 0: not
  /// watched.
  double worker_memory = 1.5;
  std::size_t min_samples = 10;  ///< With fewer tasks in the window, rates and times are ignored.
  /// After `drain`, tasks that still run are fenced and re-run according to their `side_effects`.
  /// Part of the 30 s limit of an emergency rollback.
  std::chrono::milliseconds drain{18'000};
  std::chrono::milliseconds planned_drain{120'000};  ///< The same for a planned rollback.
  std::chrono::milliseconds lower_hold{15'000};      ///< Planned: at 50 % and at 25 %.

  friend bool operator==(const rollback&, const rollback&) = default;
};

}  // namespace greenroom::config
