// The six phases from the baseline pool to the intelligent pool, as a state machine: observations
// in, decisions out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/base/expected.hpp"
#include "runtime/rollout/judge.hpp"
#include "runtime/rollout/routing.hpp"

namespace greenroom::runtime {
class record_reader;
}

namespace greenroom::runtime::rollout {

enum class phase : std::uint8_t {
  idle,             ///< No rollout was ever started.
  preparation,      ///< Until a rollback is possible: every baseline worker warm.
  shadow_mode,      ///< Both pools run; callers get the baseline's output.
  partial_rollout,  ///< 25, 50, 75, 100 %.
  full_deployment,  ///< All traffic to the intelligent pool; the baseline stays warm.
  optimization,     ///< As `full_deployment`, while tuning takes effect.
  complete,         ///< The baseline pool may cool.
};
constexpr std::size_t phase_count = static_cast<std::size_t>(phase::complete) + 1;
std::string_view name_of(phase what);  ///< In capitals: SHADOW_MODE.

enum class standing : std::uint8_t {
  idle,
  running,
  paused,                 ///< The share is kept; a failing canary still rolls back.
  awaiting_confirmation,  ///< Passed; an operator must confirm. Still judged.
  rolled_back,            ///< Failed or aborted: all traffic to the baseline.
  complete,
};
std::string_view name_of(standing what);

/// Where an operator must confirm before the plan goes on.
struct confirmations {
  bool leave_shadow = false;
  bool raise_percentage = false;
  bool go_full = false;
  bool complete = false;
};

/// Whether a certain failure starts a rollback automatically.
enum class automation : std::uint8_t {
  on,
  off,  ///< The failure is reported, and the stage is held.
  ask,  ///< A rollback is proposed and waits for an operator's confirmation.
};

struct rollout_settings {
  automation automatic = automation::on;
  /// Without a rollout the intelligent pool serves all traffic: `pool.mode: intelligent`.
  bool intelligent_node = false;
  double check_interval_s = 15;
  double shadow_hold_s = 1800;
  double step_hold_s = 1800;  ///< At each percentage.
  double full_hold_s = 1800;
  double optimization_hold_s = 1800;
  std::vector<double> steps{25, 50, 75, 100};  ///< Rising, within (0, 100].
  criteria wanted;
  confirmations confirm;
  double hold_limit_s = 0;  ///< A stage that has not passed after this time fails; 0: no limit.
  std::size_t decisions_max = 500;
};

/// Preconditions of shadow traffic.
struct readiness {
  bool baseline_warm = false;  ///< Every specialist of the baseline pool.
  bool intelligent_up = false;
  bool journal_ok = false;
  bool monitor_ok = false;
  bool commands_ok = false;  ///< The baseline answers every configured command.
  std::string detail;        ///< What is missing, for operators: "81 of 83 baseline workers warm".
};

/// Inputs of a tick besides the task results.
struct circumstances {
  readiness ready;
  std::optional<double> memory_efficiency;
  std::uint64_t commands_compared = 0;  ///< Since the stage began or the plan was restored.
  std::uint64_t commands_differing = 0;
  bool tuning = false;  ///< The tuner has changed a setting and waits for its effect.
};

enum class decision_kind : std::uint8_t {
  started,
  entered,    ///< A phase or a percentage begins.
  held,       ///< Not yet, with the reason. Recorded when the reason changes.
  offered,    ///< Passed; waits for confirmation.
  withdrawn,  ///< No longer passes, so the offer ends.
  paused,
  resumed,
  routed,     ///< An operator set the percentage.
  failed,     ///< The judge found a certain failure: back to the baseline.
  aborted,    ///< By an operator: back to the baseline.
  fell_back,  ///< By the rollback watch or an operator's rollback: back to the baseline.
  completed,
  reset,     ///< By an operator: no rollout; `pool.mode` selects the pool.
  restored,  ///< Restored after a restart in the same state.
};
std::string_view name_of(decision_kind what);

/// An entry of the rollout's record: decision, time, phase and evidence.
struct decision {
  std::uint64_t number = 0;  ///< From 1, over all runs.
  std::uint64_t run = 0;
  double at_s = 0;
  decision_kind kind = decision_kind::held;
  phase where = phase::idle;
  mode routes = mode::idle;
  double percentage = 0;
  std::string outcome;  ///< The judge's verdict, if any.
  std::string reason;
  std::string evidence;    ///< Every finding with its numbers.
  bool roll_back = false;  ///< The caller must now carry out a rollback.
  bool ask = false;        ///< The caller must now propose a rollback.
};

enum class refusal : std::uint8_t {
  already_running,
  not_running,
  not_paused,
  not_ready,    ///< Preparation is not done and cannot be skipped.
  not_passed,   ///< The judge does not pass it; `force` can override.
  failing,      ///< The judge fails it; this cannot be overridden.
  rolled_back,  ///< Start again first.
  bad_percentage,
};
std::string_view name_of(refusal what);

/// The result of a command: a decision, or the reason for refusal.
struct answer {
  std::optional<decision> done;
  std::optional<refusal> refused;
  std::string text;
};

/// Pass every task result to `observe`, call `tick` every check interval, and carry out the
/// decisions. Holds count only time in which the plan runs and is ticked: a pause or a crash does
/// not shorten a hold. Every stage starts with empty evidence. Where a stage leaves the baseline
/// too little traffic (100 %), the control of the stage before is used; where there is none,
/// because an operator went there directly, `control_missing` asks for copies. A stage longer than
/// its hold (a pause, a wait for confirmation) is judged by its last one to two holds, so that
/// hours of good traffic do not hide a bad minute.
class rollout_plan {
public:
  explicit rollout_plan(rollout_settings settings);

  phase at() const { return phase_; }
  standing stands() const { return standing_; }
  /// A run is under way: running, paused, or waiting for a confirmation.
  [[nodiscard]] bool active() const;
  mode routes() const;
  double percentage() const { return percentage_; }
  double held_s() const { return held_s_; }
  double hold_wanted_s() const;
  std::uint64_t run() const { return run_; }
  double entered_at_s() const { return entered_at_s_; }
  /// True from the start of a run until COMPLETE, and after a rollback, so that a rollback stays
  /// possible.
  bool baseline_must_be_warm() const;
  const arm& control() const { return control_; }
  const arm& canary() const { return canary_; }
  /// The control that the canary is compared with: of this stage, or of the stage before.
  const arm& compared_with() const;
  /// The number of further tasks to copy to the baseline: above 0 where the stage leaves the
  /// baseline too little traffic and no earlier control can be used.
  std::uint64_t control_missing() const;
  /// After shadow: the number of further tasks of the intelligent pool to copy to the baseline, so
  /// that outputs are still compared: the first ones of a stage, then one in twenty.
  std::uint64_t comparisons_missing() const;
  /// The commands that return to the previous state, for operators; empty when there are none.
  std::string way_back() const;
  const std::optional<judgement>& last_judgement() const { return last_judgement_; }
  /// The newest last.
  const std::deque<decision>& decisions() const { return decisions_; }

  // Commands of operators.
  /// From idle, complete or rolled back. Every run begins with PREPARATION, which ends at the first
  /// tick with everything ready, and then enters shadow.
  answer start(std::string_view who, double now_s);
  answer pause(std::string_view who, double now_s);
  answer resume(std::string_view who, double now_s);
  /// Confirms an offer, or goes on before the hold is over if the judge passes; `force` also goes
  /// on without enough data, but never against a failure and never past preparation.
  answer advance(std::string_view who, bool force, double now_s);
  /// Back to the baseline. A trial on a node that used the intelligent pool before returns to that
  /// pool, with `decision::roll_back` false, because nothing failed.
  answer abort(std::string_view who, std::string_view reason, double now_s);
  /// Ends a rollback or a completed rollout: `pool.mode` selects the pool again.
  answer reset(std::string_view who, double now_s);
  /// Sets the share in [0, 100]: a partial rollout at this percentage, held and judged.
  answer route(std::string_view who, double percentage, double now_s);

  // Events from other actors.
  /// From the rollback watch or an operator's rollback. Always possible; returns nothing when
  /// already rolled back.
  std::optional<decision> fall_back(std::string_view reason, double now_s);
  /// Tasks of this pool ended; in shadow, the intelligent pool's tasks are the shadow copies.
  void observe(pool_kind side, const arm& batch, double now_s);
  std::vector<decision> tick(const circumstances& seen, double now_s);

  /// The whole state except the settings, which come from the configuration.
  std::string encode() const;
  static base::expected<rollout_plan> decode(std::string_view text, rollout_settings settings);
  /// Call once after `decode`: the time without ticks does not count.
  std::optional<decision> restored(double now_s);

private:
  // Of `decode`. False: a field of the record cannot be read.
  [[nodiscard]] bool take_stage(const record_reader& in);
  [[nodiscard]] bool take_times(const record_reader& in);
  [[nodiscard]] bool take_arms(const record_reader& in);
  [[nodiscard]] bool take_outputs(const record_reader& in);
  [[nodiscard]] bool take_judgement(const record_reader& in);
  [[nodiscard]] bool take_decisions(const record_reader& in);
  decision record(decision_kind kind, std::string reason, double now_s);
  decision enter(phase next, double percentage, std::string reason, double now_s);
  decision go_on(std::string reason, double now_s);
  decision go_back(decision_kind kind, std::string reason, double now_s);
  bool confirmation_wanted() const;
  void forget_evidence();
  void roll_evidence();
  void begin_run();
  judgement judge_now(const circumstances& seen, double now_s);
  std::optional<decision> fails(std::string reason, double now_s);
  std::optional<decision> passed(const circumstances& seen, double now_s);
  std::string cause_of(std::string_view begin, verdict outcome) const;
  std::vector<decision> tick_preparation(const circumstances& seen, double now_s);
  std::optional<decision> hold(std::string cause, std::string reason, double now_s);

  rollout_settings settings_;
  phase phase_ = phase::idle;
  standing standing_ = standing::idle;
  bool fallback_ = false;
  double percentage_ = 0;
  std::uint64_t run_ = 0;
  std::uint64_t next_number_ = 1;
  double entered_at_s_ = 0;
  double held_s_ = 0;
  double last_tick_s_ = 0;
  arm control_;
  arm canary_;
  arm newer_control_;  ///< Results within the current hold; replaces `control_` at its end.
  arm newer_canary_;
  double newer_from_s_ = 0;  ///< Stage time, including pauses.
  double stage_s_ = 0;
  arm reference_;
  /// Outputs compared in this stage; `outputs_before_` are those before the plan was restored,
  /// because the comparison starts from 0 then.
  struct comparisons {
    std::uint64_t compared = 0;
    std::uint64_t differing = 0;
  };
  comparisons outputs_;
  comparisons outputs_before_;
  /// The latest counts of the comparison, and those when the stage began.
  comparisons outputs_told_;
  comparisons outputs_from_;
  bool returns_to_intelligent_ = false;  ///< On an abort of this run.
  std::optional<double> last_canary_task_s_;
  std::uint32_t look_ = 0;
  std::uint64_t looked_at_ = 0;
  std::string hold_cause_;
  bool prepared_ = false;
  std::optional<judgement> last_judgement_;
  std::deque<decision> decisions_;
};

}  // namespace greenroom::runtime::rollout
