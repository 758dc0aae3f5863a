// The response time relative to the baseline: plain, and as counted by triggers.
#pragma once

#include <algorithm>
#include <optional>

namespace greenroom::runtime::monitoring {

/// Mean ÷ the baseline's mean, both in milliseconds. Nothing unless both are known.
inline std::optional<double> plain_ratio(std::optional<double> mean_ms,
                                         std::optional<double> baseline_mean_ms) {
  if (!mean_ms || !baseline_mean_ms || *baseline_mean_ms <= 0) return std::nullopt;
  return *mean_ms / *baseline_mean_ms;
}

/// The ratio for triggers and health: at most 1 while the difference is below `slack_ms`
/// (`rollout.criteria.response_slack`). With a slack of 0 it is the plain ratio.
inline std::optional<double> counted_ratio(std::optional<double> mean_ms,
                                           std::optional<double> baseline_mean_ms,
                                           double slack_ms) {
  const auto plain = plain_ratio(mean_ms, baseline_mean_ms);
  if (plain && *mean_ms - *baseline_mean_ms < slack_ms) return std::min(1.0, *plain);
  return plain;
}

}  // namespace greenroom::runtime::monitoring
