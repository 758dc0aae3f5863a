// The six phases from the baseline pool to the intelligent one, as a machine that is told what was
// seen and says what happens next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/rollout/judge.hpp"
#include "runtime/rollout/routing.hpp"

namespace greenroom::runtime::rollout {

enum class phase : std::uint8_t {
  idle,             ///< No rollout was ever started.
  preparation,      ///< Until there is something to come back to: every baseline worker warm.
  shadow_mode,      ///< Both pools run; the baseline answers.
  partial_rollout,  ///< 25, 50, 75, 100 %.
  full_deployment,  ///< Everything to the intelligent pool, the baseline still warm.
  optimization,     ///< The same, while the tuner's adjustments are watched.
  complete,         ///< The baseline pool may cool.
};
std::string_view name_of(phase what);  ///< In capitals: SHADOW_MODE.
std::optional<phase> phase_named(std::string_view name);

enum class standing : std::uint8_t {
  idle,
  running,
  paused,                 ///< The share stays where it is; a failing canary still comes back.
  awaiting_confirmation,  ///< Passed; an operator has to say go. Judged all the while.
  rolled_back,            ///< Failed or aborted: everything at the baseline.
  complete,
};
std::string_view name_of(standing what);

/// Where an operator's word is wanted before the plan goes on.
struct confirmations {
  bool leave_shadow = false;
  bool raise_percentage = false;
  bool go_full = false;
  bool complete = false;
};

/// Whether a rollback begins by itself where something is certainly bad.
enum class automation : std::uint8_t {
  on,
  off,  ///< It is said, and held.
  ask,  ///< A rollback is proposed, and waits for an operator's word.
};

struct rollout_settings {
  automation automatic = automation::on;
  /// Without a rollout the intelligent pool answers: `pool.mode: intelligent`.
  bool intelligent_node = false;
  double check_interval_s = 15;
  double shadow_hold_s = 1800;
  double step_hold_s = 1800;  ///< At each percentage.
  double full_hold_s = 1800;
  double optimization_hold_s = 1800;
  std::vector<double> steps{25, 50, 75, 100};  ///< Rising, within (0, 100].
  criteria wanted;
  confirmations confirm;
  double hold_limit_s = 0;  ///< A stage that has not passed after so long fails; 0: waits for ever.
  std::size_t decisions_max = 500;
};

/// What has to be true before the first task is mirrored, and who says so.
struct readiness {
  bool baseline_warm = false;  ///< Every specialist of the baseline pool: a rollback lands there.
  bool intelligent_up = false;
  bool journal_ok = false;
  bool monitor_ok = false;
  bool commands_ok = false;  ///< Every configured command is answered by the baseline.
  std::string detail;        ///< What is missing, for people: "81 of 83 baseline workers warm".
};

/// What the rollout actor knows besides the ends of tasks, when it ticks.
struct circumstances {
  readiness ready;
  std::optional<double> memory_efficiency;
  std::uint64_t commands_compared = 0;  ///< Since the stage began, or the plan was restored.
  std::uint64_t commands_differing = 0;
  bool tuning = false;  ///< The tuner has changed something and waits for its effect.
};

enum class decision_kind : std::uint8_t {
  started,
  entered,    ///< A phase or a percentage begins.
  held,       ///< Not yet, and why. Recorded when the reason changes.
  offered,    ///< Passed, awaits confirmation.
  withdrawn,  ///< It no longer passes, so there is nothing to confirm.
  paused,
  resumed,
  routed,     ///< An operator set the percentage by hand.
  failed,     ///< The judge is certain: back to the baseline.
  aborted,    ///< An operator: back to the baseline.
  fell_back,  ///< The rollback watch or a rollback by hand: back to the baseline.
  completed,
  reset,     ///< An operator: no rollout, `pool.mode` decides who answers.
  restored,  ///< Read back after a restart, exactly where it was.
};
std::string_view name_of(decision_kind what);

/// One line of the rollout's record: what was decided, when, where, and by what evidence.
struct decision {
  std::uint64_t number = 0;  ///< From 1, over all runs.
  std::uint64_t run = 0;
  double at_s = 0;
  decision_kind kind = decision_kind::held;
  phase where = phase::idle;
  mode routes = mode::idle;
  double percentage = 0;
  std::string outcome;  ///< The judge's verdict, where there was one.
  std::string reason;
  std::string evidence;    ///< Every finding with its numbers.
  bool roll_back = false;  ///< The caller must now carry out a rollback.
  bool ask = false;        ///< The caller must now propose one.
};

enum class refusal : std::uint8_t {
  already_running,
  not_running,
  not_paused,
  not_ready,    ///< Preparation is not done; nobody can skip it.
  not_passed,   ///< The judge does not pass it; `force` may.
  failing,      ///< The judge fails it; nobody can.
  rolled_back,  ///< Start again first.
  bad_percentage,
};
std::string_view name_of(refusal what);

/// A command's end: what was decided, or why it was refused.
struct answer {
  std::optional<decision> done;
  std::optional<refusal> refused;
  std::string text;
};

/// Tell it every end of a task (`observe`), tick it every check interval, and do what it decides.
/// Holds count only time that it was running and ticking: a pause or a crash does not shorten one.
/// Evidence begins anew with every stage; the control's evidence of the stage before stands in
/// where a stage leaves the baseline too little traffic (100 %), and where there is none, because
/// an operator went there at once, `control_missing` asks for copies. A stage that lasts longer
/// than its hold (a pause, a wait for a word) is judged by its last one to two holds, so that hours
/// of good traffic do not hide a bad minute.
class rollout_plan {
public:
  explicit rollout_plan(rollout_settings settings);

  // What holds now.
  phase at() const { return phase_; }
  standing stands() const { return standing_; }
  mode routes() const;
  double percentage() const { return percentage_; }
  double held_s() const { return held_s_; }
  double hold_wanted_s() const;
  std::uint64_t run() const { return run_; }
  double entered_at_s() const { return entered_at_s_; }
  /// True from the start of a run until COMPLETE, and after a rollback: the way back stays open.
  bool baseline_must_be_warm() const;
  const arm& control() const { return control_; }
  const arm& canary() const { return canary_; }
  /// What the canary is compared with: the stage's own control, or that of the stage before.
  const arm& compared_with() const;
  /// Where the stage leaves the baseline no traffic and nothing of an earlier stage stands in: how
  /// many more tasks it should be given a copy of, so that there is something to compare with.
  std::uint64_t control_missing() const;
  /// Past shadow: how many more tasks of the intelligent pool should be given to the baseline too,
  /// so that outputs go on being compared: the first ones of a stage, then a twentieth.
  std::uint64_t comparisons_missing() const;
  /// What an operator would say to go back to what was there before, for people; empty when there
  /// is nothing to say.
  std::string way_back() const;
  const std::optional<judgement>& last_judgement() const { return last_judgement_; }
  /// The newest last.
  const std::deque<decision>& decisions() const { return decisions_; }

  // What operators do.
  /// From idle, complete or rolled back. Every run passes PREPARATION, which ends at the first tick
  /// that finds everything ready, and then begins from shadow.
  answer start(std::string_view who, double now_s);
  answer pause(std::string_view who, double now_s);
  answer resume(std::string_view who, double now_s);
  /// Confirms what is offered, or goes on before the hold has passed if the judge passes; `force`
  /// goes on without enough data too, never against a failure and never past preparation.
  answer advance(std::string_view who, bool force, double now_s);
  /// Back to the baseline; of a trial on a node that the intelligent pool served before, back to
  /// that: nothing is wrong with it, and `decision::roll_back` is false.
  answer abort(std::string_view who, std::string_view reason, double now_s);
  /// Ends a rollback or a completed rollout: `pool.mode` decides again who answers.
  answer reset(std::string_view who, double now_s);
  /// Sets the share by hand, in [0, 100]: a partial rollout at this percentage, held and judged.
  answer route(std::string_view who, double percentage, double now_s);

  // What machines do.
  /// The rollback watch, or a rollback by hand. Always possible; nothing when it is already so.
  std::optional<decision> fall_back(std::string_view reason, double now_s);
  /// A task of this side ended; in shadow the intelligent side's are the mirrored ones.
  void observe(pool_kind side, double took_ms, bool failed, double now_s);
  void observe(pool_kind side, const arm& batch, double now_s);
  std::vector<decision> tick(const circumstances& seen, double now_s);

  /// The whole state but the settings, which come from the configuration.
  std::string encode() const;
  static std::optional<rollout_plan> decode(std::string_view text, rollout_settings settings,
                                            std::string& error);
  /// Call once after `decode`: the time that nobody ticked does not count.
  std::optional<decision> restored(double now_s);

private:
  decision record(decision_kind kind, std::string reason, double now_s);
  decision enter(phase next, double percentage, std::string reason, double now_s);
  decision go_on(std::string reason, double now_s);
  decision go_back(decision_kind kind, std::string reason, double now_s);
  bool confirmation_wanted() const;
  bool active() const;
  void forget_evidence();
  void roll_evidence();
  void begin_run();
  judgement judge_now(const circumstances& seen, double now_s);
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
  arm newer_control_;  ///< What came within the hold that is running; takes over at its end.
  arm newer_canary_;
  double newer_from_s_ = 0;  ///< In stage time, pauses included.
  double stage_s_ = 0;
  arm reference_;
  /// Outputs compared in this stage, and those of them from before the plan was restored: who
  /// compares begins to count anew.
  struct comparisons {
    std::uint64_t compared = 0;
    std::uint64_t differing = 0;
  };
  comparisons outputs_;
  comparisons outputs_before_;
  /// What was told of the comparisons last, and when the stage began. A restart counts anew.
  comparisons outputs_told_;
  comparisons outputs_from_;
  bool returns_to_intelligent_ = false;  ///< An abort of this run does.
  std::optional<double> last_canary_task_s_;
  std::uint32_t look_ = 0;
  std::uint64_t looked_at_ = 0;
  std::string hold_cause_;
  bool prepared_ = false;
  std::optional<judgement> last_judgement_;
  std::deque<decision> decisions_;
};

}  // namespace greenroom::runtime::rollout
