// One rollback, from the decision to the verified baseline: what to do now, what was done, and how
// long it took.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/rollout/rollback_watch.hpp"

namespace greenroom::runtime::rollout {

enum class rollback_kind : std::uint8_t {
  emergency,  ///< At once.
  planned,    ///< After a confirmation, in steps, with more time to drain.
};
std::string_view name_of(rollback_kind what);

enum class rollback_state : std::uint8_t {
  awaiting_confirmation,
  lowering,    ///< Planned: the percentage goes down step by step.
  switching,   ///< New tasks go to the baseline.
  requeueing,  ///< Tasks that wait in the intelligent pool move to the baseline's queues.
  draining,    ///< Running ones finish.
  fencing,     ///< Those that did not are fenced off and run again by their `side_effects`.
  verifying,
  done,        ///< Every check passed.
  unverified,  ///< The baseline answers, but some check did not pass in time.
  cancelled,   ///< A planned one that was not confirmed.
};
std::string_view name_of(rollback_state what);

enum class check : std::uint8_t {
  commands_answer,
  errors_at_baseline,
  latency_at_baseline,
  specialists_reachable,
  no_task_lost,
  monitoring_up,
};
constexpr std::size_t check_count = 6;
std::string_view name_of(check what);

enum class check_state : std::uint8_t { pending, passed, failed };
std::string_view name_of(check_state what);

struct check_result {
  check_state state = check_state::pending;
  double at_s = 0;
  std::string detail;
};

/// What the rollback actor has to do now. Every order may be carried out again: after a crash the
/// one in force is given again.
enum class order : std::uint8_t {
  none,
  await_confirmation,
  set_percentage,
  switch_to_baseline,
  requeue,
  drain,
  fence,
  verify,
};
std::string_view name_of(order what);

struct instruction {
  order what = order::none;
  double percentage = 0;  ///< Of set_percentage.
  double by_s = 0;        ///< When it should be done; 0: no hurry.
};

struct rollback_settings {
  double budget_s = 30;  ///< From the decision (planned: from the switch) to the end.
  double switch_s = 2;   ///< Each of these is counted from that same moment.
  double requeue_s = 6;
  double requeue_least_s = 1;  ///< Since it was begun, however late that was.
  double drain_s = 18;         ///< What runs longer is fenced.
  double fence_s = 22;
  double planned_drain_s = 120;  ///< Instead of drain_s; the rest moves with it.
  double lower_hold_s = 15;      ///< Planned: at each lower percentage.
  std::vector<double> lower_to{50,
                               25};  ///< Falling; those not under the present share are skipped.
};

struct rollback_step {
  rollback_state entered = rollback_state::switching;
  double at_s = 0;
  std::string note;
};

/// A machine with one state; journal `encode()` after every call that returns true or changes
/// `state()`, and a crash resumes exactly there.
class rollback_plan {
public:
  static rollback_plan begin(std::uint64_t id, rollback_kind kind, trigger cause,
                             std::string reason, double percentage, double now_s,
                             rollback_settings settings = {});

  std::uint64_t id() const { return id_; }
  rollback_kind kind() const { return kind_; }
  trigger cause() const { return cause_; }
  const std::string& reason() const { return reason_; }
  rollback_state state() const { return state_; }
  bool finished() const;
  instruction next() const;

  /// An operator confirms, or calls a planned one off before the switch. False: not now.
  bool confirm(double now_s);
  bool cancel(double now_s);
  /// A planned one turns into an emergency: everything at once. False: it is past that.
  bool hurry(std::string_view why, double now_s);
  /// The order was carried out; `tasks` is how many it moved, finished or fenced. An answer to an
  /// order that is not in force is ignored (false): it is late, or was given before a crash.
  bool carried_out(order what, std::uint64_t tasks, double now_s);
  /// A check's outcome. A failed check may be tried again until the budget ends.
  bool checked(check what, bool passed, std::string detail, double now_s);
  /// Time passed: lowers, fences, ends the verification. True when something changed.
  bool tick(double now_s);
  /// Read back after a restart: what is left of the checklist has as long as a verification has,
  /// however long the node was down. The duration counts on from the decision.
  void resumed(double now_s) { resumed_at_s_ = now_s; }
  /// Runs the checklist again after the end (`rollback verify`). False while it has not ended.
  bool verify_again(double now_s);

  const std::array<check_result, check_count>& checks() const { return checks_; }
  const std::vector<rollback_step>& steps() const { return steps_; }
  std::uint64_t requeued() const { return requeued_; }
  std::uint64_t drained() const { return drained_; }
  std::uint64_t fenced() const { return fenced_; }
  double begun_at_s() const { return begun_at_s_; }
  /// From the decision (planned: from the switch) until new tasks went to the baseline.
  std::optional<double> switched_after_s() const;
  /// The same until it ended; nothing before.
  std::optional<double> duration_s() const;
  bool within_budget() const;

  /// Nobody rolls back so often; a record with a greater number is damaged.
  static constexpr std::uint64_t most_rollbacks = 1'000'000'000'000;
  std::string encode() const;
  static std::optional<rollback_plan> decode(std::string_view text, rollback_settings settings,
                                             std::string& error);

private:
  rollback_plan() = default;
  void enter(rollback_state next, std::string note, double now_s);
  double drain_by_s() const;
  double end_by_s() const;

  rollback_settings settings_;
  std::uint64_t id_ = 0;
  rollback_kind kind_ = rollback_kind::emergency;
  trigger cause_ = trigger::by_hand;
  std::string reason_;
  rollback_state state_ = rollback_state::switching;
  double begun_at_s_ = 0;
  double clock_from_s_ = 0;  ///< Where the budget counts from.
  double entered_at_s_ = 0;
  double percentage_ = 0;
  double resumed_at_s_ = 0;
  std::optional<double> switched_at_s_;
  std::optional<double> ended_at_s_;
  std::uint64_t requeued_ = 0;
  std::uint64_t drained_ = 0;
  std::uint64_t fenced_ = 0;
  bool again_ = false;  ///< The verification was asked for after the end.
  std::array<check_result, check_count> checks_{};
  std::vector<rollback_step> steps_;
};

}  // namespace greenroom::runtime::rollout
