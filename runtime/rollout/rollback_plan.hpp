// One rollback, from the decision to the verified baseline: the next order, the completed steps and
// the duration.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/base/expected.hpp"
#include "runtime/rollout/rollback_watch.hpp"

namespace greenroom::runtime {
class record_reader;
}

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
  requeueing,  ///< Tasks queued in the intelligent pool move to the baseline's queues.
  draining,    ///< Running tasks finish.
  fencing,     ///< Tasks still running are fenced and run again according to `side_effects`.
  verifying,
  done,        ///< Every check passed.
  unverified,  ///< The baseline answers, but a check did not pass in time.
  cancelled,   ///< A planned rollback that was not confirmed.
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

/// The order for the rollback actor. Every order can be carried out again: after a crash the
/// current order is repeated.
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
  double percentage = 0;  ///< For `set_percentage`.
  double by_s = 0;        ///< Deadline of the order; 0: none.
};

struct rollback_settings {
  double budget_s = 30;  ///< From the decision (planned: from the switch) to the end.
  double switch_s = 2;   ///< This and the next times count from that same moment.
  double requeue_s = 6;
  double requeue_least_s = 1;  ///< Minimum since the requeueing began, however late.
  double drain_s = 18;         ///< Longer tasks are fenced.
  double fence_s = 22;
  double planned_drain_s = 120;          ///< Replaces `drain_s`; later times shift with it.
  double lower_hold_s = 15;              ///< Planned: at each lower percentage.
  std::vector<double> lower_to{50, 25};  ///< Falling; values from the current share up are skipped.
};

struct rollback_step {
  rollback_state entered = rollback_state::switching;
  double at_s = 0;
  std::string note;
};

/// A state machine; journal `encode()` after every call that returns true or changes `state()`, so
/// that a crash resumes there.
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

  /// An operator confirms, or cancels a planned rollback before the switch. False: not possible
  /// now.
  bool confirm(double now_s);
  bool cancel(double now_s);
  /// A planned rollback becomes an emergency: everything at once. False: too late for that.
  bool hurry(std::string_view why, double now_s);
  /// The order was carried out; `tasks` is the number moved, finished or fenced. False: the order
  /// is not the current one (late, or from before a crash) and is ignored.
  bool carried_out(order what, std::uint64_t tasks, double now_s);
  /// The result of a check. A failed check may be repeated until the budget ends.
  bool checked(check what, bool passed, std::string detail, double now_s);
  /// Applies deadlines: lowers, fences, ends the verification. True when something changed.
  bool tick(double now_s);
  /// Call after a restart: the remaining checklist gets the full time of a verification, however
  /// long the node was down. The duration still counts from the decision.
  void resumed(double now_s) { resumed_at_s_ = now_s; }
  /// Runs the checklist again after the end (`rollback verify`). False while the rollback has not
  /// ended.
  bool verify_again(double now_s);

  const std::array<check_result, check_count>& checks() const { return checks_; }
  const std::vector<rollback_step>& steps() const { return steps_; }
  std::uint64_t requeued() const { return requeued_; }
  std::uint64_t drained() const { return drained_; }
  std::uint64_t fenced() const { return fenced_; }
  double begun_at_s() const { return begun_at_s_; }
  /// From the decision (planned: from the switch) until new tasks go to the baseline.
  std::optional<double> switched_after_s() const;
  /// From the decision (planned: from the switch) to the end; nothing before the end.
  std::optional<double> duration_s() const;
  bool within_budget() const;

  /// A record with a greater number is treated as damaged.
  static constexpr std::uint64_t most_rollbacks = 1'000'000'000'000;
  std::string encode() const;
  static base::expected<rollback_plan> decode(std::string_view text, rollback_settings settings);

private:
  rollback_plan() = default;
  /// False: a field of the record cannot be read.
  [[nodiscard]] bool take_course(const record_reader& in);
  [[nodiscard]] bool take_times(const record_reader& in);
  [[nodiscard]] bool take_lists(const record_reader& in);
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
  double clock_from_s_ = 0;  ///< Start of the budget.
  double entered_at_s_ = 0;
  double percentage_ = 0;
  double resumed_at_s_ = 0;
  std::optional<double> switched_at_s_;
  std::optional<double> ended_at_s_;
  std::uint64_t requeued_ = 0;
  std::uint64_t drained_ = 0;
  std::uint64_t fenced_ = 0;
  bool again_ = false;  ///< The verification was requested after the end.
  std::array<check_result, check_count> checks_{};
  std::vector<rollback_step> steps_;
};

}  // namespace greenroom::runtime::rollout
