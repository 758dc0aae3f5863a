// Decides whether the canary is good enough to go on: a verdict with its evidence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/monitoring/log_histogram.hpp"

namespace greenroom::runtime::rollout {

/// Results of one pool: ended tasks, tasks that ended in an error of the node or a worker, and the
/// response times of successful tasks in milliseconds.
struct arm {
  std::uint64_t tasks = 0;
  std::uint64_t errors = 0;
  monitoring::log_histogram latency_ms;
  /// Run time in the worker, without the wait for the worker or its start.
  monitoring::log_histogram run_ms;

  void add(double took_ms, bool failed, std::optional<double> run_took_ms = {});
  void merge(const arm& other);
  double error_rate() const;  ///< 0 when there were no tasks.
};

struct evidence {
  arm control;  ///< The baseline pool.
  arm canary;   ///< The intelligent pool.
  std::optional<double> memory_efficiency;
  std::uint64_t commands_compared = 0;  ///< Outputs compared for configured commands.
  std::uint64_t commands_differing = 0;
  std::optional<double> last_canary_task_s;  ///< End of the canary's last task.
};

/// A criterion of 0 is off.
struct criteria {
  std::uint64_t min_samples = 500;  ///< Of the canary.
  std::uint64_t min_control = 50;   ///< Of the control, for a comparison to pass.
  double memory_efficiency = 0.70;  ///< Must be higher.
  double error_rate = 0.02;         ///< Must be lower.
  double response_ratio = 2.5;      ///< Must be lower, for the mean and every quantile.
  /// Also allowed: this many milliseconds more than the control, at any ratio. With tasks of a
  /// millisecond, one cold start in twenty gives a harmless ratio of ten.
  double response_slack_ms = 0;
  /// The compared quantiles. Above 0.9 an occasional cold start is expected in the pool.
  std::vector<double> quantiles{0.50, 0.75, 0.90};
  /// The tail: this quantile of the run times, without starts and waits. Cold starts do not count
  /// here; occasional slow workers do.
  double tail_quantile = 0.99;
  double commands_compatible = 1.0;  ///< At least this share.
  bool judge_commands = true;
  /// True in shadow, where every task is compared and no caller waits: nothing passes without a
  /// comparison, and differing outputs hold. Later only some tasks are compared and callers get the
  /// outputs; outputs that certainly differ then fail.
  bool only_compared = true;
  double differing_share = 0.005;     ///< After shadow, a share certainly above this fails.
  std::uint64_t differing_least = 3;  ///< At least this many outputs must differ to fail.
  /// With fewer canary tasks a bad latency holds and does not fail: the first tasks of a cold pool
  /// are cold starts. Errors fail at any size.
  std::uint64_t min_latency_samples = 0;
  double fresh_s = 300;  ///< No canary task for this long: no traffic.
  /// An error rate counts against the canary from this difference to the control's.
  double error_margin = 0.005;
  double alpha_errors = 0.01;   ///< Chance of failing a canary that is as good as the control.
  double alpha_latency = 0.04;  ///< Chance of failing a canary exactly `response_ratio` slower.
  double alpha_tail = 0.01;     ///< The same for the tail.
  double alpha_outputs = 0.01;  ///< Chance of failing a canary with exactly `differing_share`.
};

enum class verdict : std::uint8_t {
  pass,
  hold,               ///< Measured, not certainly bad, but not good enough.
  insufficient_data,  ///< Too little data or no traffic: hold, do not guess.
  fail,               ///< Certainly worse than allowed: back to the baseline.
};
std::string_view name_of(verdict what);

struct finding {
  std::string name;  ///< `error_rate`, `latency_p90` …
  verdict outcome = verdict::pass;
  std::string text;  ///< With the numbers behind the outcome.
};

struct judgement {
  verdict outcome = verdict::insufficient_data;
  std::vector<finding> findings;
  /// The findings that decided the outcome, in one line.
  std::string summary() const;
};

/// `look` counts the opportunities to fail this canary, from 1; 0 excludes a failure. A failure is
/// possible at any sample size (for a latency, from `min_latency_samples`), because every test is
/// exact:
/// - error rate: Fisher's exact test against the control, beyond `error_margin`; and the
///   Clopper–Pearson lower bound above `error_rate` itself;
/// - latency: for every quantile above max(ratio · c, c + slack), the number of canary values above
///   it, with c the control's value at that rank and then its maximum: the exact exceedance test.
///   The test fails "control ten 1s, canary seven 100s and three 1s", which passes rank tests with
///   an effect size (Kayenta #780). Also by disjoint order-statistic bounds;
/// - tail: the same test at `tail_quantile` of the run times;
/// - outputs, after shadow: the Clopper–Pearson lower bound of the differing share.
/// To pass takes `min_samples`, traffic within `fresh_s`, and every measured criterion met.
judgement judge(const evidence& seen, const criteria& wanted, std::uint32_t look, double now_s);

}  // namespace greenroom::runtime::rollout
