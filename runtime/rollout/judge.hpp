// Is the canary good enough to go on with? A verdict, and the evidence for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/monitoring/log_histogram.hpp"

namespace greenroom::runtime::rollout {

/// What one side did: how many of its tasks ended, how many of them in an error that is ours or a
/// worker's, and how long those that succeeded took, in milliseconds.
struct arm {
  std::uint64_t tasks = 0;
  std::uint64_t errors = 0;
  monitoring::log_histogram latency_ms;
  /// How long the worker had those tasks, without their waiting for it or for its start.
  monitoring::log_histogram run_ms;

  void add(double took_ms, bool failed, std::optional<double> run_took_ms = {});
  void merge(const arm& other);
  double error_rate() const;  ///< 0 when there were no tasks.
};

struct evidence {
  arm control;  ///< The baseline pool.
  arm canary;   ///< The intelligent pool.
  std::optional<double> memory_efficiency;
  std::uint64_t commands_compared = 0;  ///< Outputs compared for the commands users have today.
  std::uint64_t commands_differing = 0;
  std::optional<double> last_canary_task_s;  ///< When the canary's last task ended.
};

/// A criterion of 0 asks for nothing.
struct criteria {
  std::uint64_t min_samples = 500;  ///< Of the canary.
  std::uint64_t min_control = 50;   ///< Of the control, before the two are compared to pass.
  double memory_efficiency = 0.70;  ///< Must be more.
  double error_rate = 0.02;         ///< Must be less.
  double response_ratio = 2.5;      ///< Must be less, of the means and of every quantile below.
  /// What is also let pass: so many milliseconds over the control, whatever the ratio. With
  /// tasks of a millisecond, one cold start in twenty is a ratio of ten and hurts nobody.
  double response_slack_ms = 0;
  /// The quantiles that are compared. Above 0.9 a cold start now and then is what the pool is for.
  std::vector<double> quantiles{0.50, 0.75, 0.90};
  /// The tail: this quantile of the times that workers ran, where no start and no waiting for one
  /// is in. A cold start does not count here, a worker that is slow now and then does.
  double tail_quantile = 0.99;
  double commands_compatible = 1.0;  ///< At least this share.
  bool judge_commands = true;
  /// True in shadow, where every task is compared and nobody waits for the answers: nothing passes
  /// without a comparison, and outputs that differ hold. Later a few tasks are compared, callers
  /// get the answers, and outputs that certainly differ fail.
  bool only_compared = true;
  double differing_share = 0.005;     ///< Past shadow, certainly more than this share fails.
  std::uint64_t differing_least = 3;  ///< And at least so many outputs.
  /// With fewer tasks of the canary a latency holds and does not fail: the first tasks of a pool
  /// that begins cold are its starts. Errors fail at any size.
  std::uint64_t min_latency_samples = 0;
  double fresh_s = 300;  ///< Without a canary task for so long: no traffic.
  /// An error rate that differs from the control's is held against the canary from this difference.
  double error_margin = 0.005;
  double alpha_errors = 0.01;   ///< Chance of failing a canary that fails no more than the control.
  double alpha_latency = 0.04;  ///< Chance of failing one that is exactly `response_ratio` slower.
  double alpha_tail = 0.01;     ///< The same for the tail.
  double alpha_outputs = 0.01;  ///< Chance of failing one with exactly `differing_share`.
};

enum class verdict : std::uint8_t {
  pass,
  hold,               ///< Measured, not bad for certain, and not good enough.
  insufficient_data,  ///< Too little to say, or no traffic: hold, never guess.
  fail,               ///< Certainly worse than allowed: back to the baseline.
};
std::string_view name_of(verdict what);

struct finding {
  std::string name;  ///< `error_rate`, `latency_p90` …
  verdict outcome = verdict::pass;
  std::string text;  ///< With the numbers it was decided by.
};

struct judgement {
  verdict outcome = verdict::insufficient_data;
  std::vector<finding> findings;
  /// The findings that decided, in one line.
  std::string summary() const;
};

/// `look` counts how often chance was given an opportunity to fail this canary, from 1; 0 asks for
/// no verdict of failure. Failure is decided at any sample size (of a latency, from
/// `min_latency_samples`), because every test is exact:
/// - error rate: Fisher's exact test against the control, beyond `error_margin`; and the
///   Clopper–Pearson lower bound above `error_rate` itself;
/// - latency: for every quantile that is beyond max(ratio · c, c + slack), how many of the canary's
///   are, c being the control's value at that rank and then its greatest: the exact exceedance
///   test. It fails "control ten 1s, canary seven 100s and three 1s", which rank tests with an
///   effect size let pass (Kayenta #780). And the same by disjoint order-statistic bounds;
/// - tail: the same test at `tail_quantile` of the times that workers ran;
/// - outputs, past shadow: the Clopper–Pearson lower bound of the share that differs.
/// Passing takes `min_samples`, traffic within `fresh_s`, and every measured criterion met.
judgement judge(const evidence& seen, const criteria& wanted, std::uint32_t look, double now_s);

}  // namespace greenroom::runtime::rollout
