// When the intelligent pool may take over from the baseline, and when it must give back.
#pragma once

#include <chrono>
#include <cstddef>

namespace greenroom::config {

/// What the shadow phase has to show. Shares are 0 to 1.
struct rollout_criteria {
  double memory_efficiency = 0.70;  ///< At least.
  double error_rate = 0.02;         ///< At most.
  double response_ratio = 2.5;      ///< At most, over the baseline's response time.

  friend bool operator==(const rollout_criteria&, const rollout_criteria&) = default;
};

struct rollout {
  std::chrono::milliseconds check_interval{15'000};
  std::chrono::milliseconds grace{30'000};             ///< How long a trigger must hold.
  std::chrono::milliseconds shadow_hold{30 * 60'000};  ///< At least, and at least `min_samples`.
  std::chrono::milliseconds step_hold{30 * 60'000};    ///< At each percentage.
  std::size_t min_samples = 500;
  rollout_criteria criteria;

  friend bool operator==(const rollout&, const rollout&) = default;
};

/// Triggers of the automatic rollback. Shares are 0 to 1.
struct rollback {
  double error_rate = 0.10;         ///< Above.
  double response_ratio = 3.0;      ///< Above, over the baseline's response time.
  double memory_use = 0.90;         ///< Above.
  double memory_efficiency = 0.20;  ///< Below.
  double health = 0.60;             ///< Below.
  std::chrono::milliseconds critical_alerts{120'000};  ///< Standing for longer.
  double success_rate = 0.80;                          ///< Below.

  friend bool operator==(const rollback&, const rollback&) = default;
};

}  // namespace greenroom::config
