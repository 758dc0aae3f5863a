// Carries out one rollback, step by step.
#pragma once

#include "actors/rollout/command_probe.hpp"
#include "actors/rollout/intelligent_watch.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/rollout/rollback_base.hpp"
#include "actors/rollout/verification.hpp"
#include "runtime/rollout/rollback_plan.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace greenroom::actors {

/// First the door sends new tasks to the baseline pool, then the rollback is journaled, then queued
/// tasks move, running tasks finish or are fenced, and the checklist is run. Every step is
/// journaled, and a replacement of the actor, or the next run of the node, continues at the last
/// recorded step. Used by the rollback's actor only.
class rollback_execution {
public:
  /// Both references must outlive the object. `probe` runs a command when the checklist asks for
  /// it.
  rollback_execution(rollback_base& actor, intelligent_watch& watch, command_probe probe);

  /// Continues the rollback that a predecessor, or an earlier run of the node, left unfinished.
  void restore();
  /// The plan of the rollback that is under way, or null.
  [[nodiscard]] runtime::rollout::rollback_plan* plan() { return plan_ ? &*plan_ : nullptr; }

  /// @pre No rollback is under way.
  void begin(runtime::rollout::rollback_kind kind, runtime::rollout::trigger cause,
             const std::string& reason, double now_s);
  /// Runs the checklist of a finished rollback again. @pre No rollback is under way.
  void verify_again(rollback_face finished);
  /// Sends every new task to the baseline pool, at once.
  void switch_over();
  /// Publishes and journals the plan.
  void save();
  /// Goes on with the steps as far as possible now, and arms the timer. Does nothing without a
  /// plan.
  void work();
  void on_work_due(std::uint64_t generation);

private:
  void find_cause();
  void carry_out(double now_s);
  void lower(double percentage);
  void drain_intelligent_pool(bool fence);
  [[nodiscard]] held_tasks held() const;
  void verify(double now_s);
  void command_rollout(double now_s);
  [[nodiscard]] bool rollout_knows() const;
  void finish();
  void arm();

  rollback_base& actor_;
  intelligent_watch& watch_;
  verification checklist_;
  std::optional<runtime::rollout::rollback_plan> plan_;
  std::string analysis_;
  std::uint64_t work_generation_ = 0;
  double saved_at_s_ = 0;
  double commanded_s_ = 0;  ///< When the rollout was last commanded to fall back.
  std::uint64_t waiting_at_start_ = 0;
  std::uint64_t running_at_start_ = 0;
};

constexpr const char* rollback_count_record = "rollback.count";
[[nodiscard]] inline std::string rollback_record(std::uint64_t id) {
  return "rollback." + std::to_string(id);
}

}  // namespace greenroom::actors
