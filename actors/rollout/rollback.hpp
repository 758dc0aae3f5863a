// The rollback: brings every task back to the baseline pool when the intelligent pool does not work
// well. It needs neither the rollout nor the monitor.
#pragma once

#include "actors/rollout/command_probe.hpp"
#include "actors/rollout/intelligent_watch.hpp"
#include "actors/rollout/rollback_base.hpp"
#include "actors/rollout/rollback_execution.hpp"
#include "runtime/rollout/rollback_watch.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <optional>

namespace greenroom::actors {

/// Rolls back when `intelligent_watch` finds a reason, or by a command. `rollback_execution`
/// carries the rollback out.
struct rollback_actor_state : rollback_base {
  static constexpr const char* name = "greenroom.rollback";

  void open(command_probe probe);
  void on_look(std::uint64_t generation);
  void on_work(std::uint64_t generation) { execution_->on_work_due(generation); }
  void on_written(std::uint64_t number);
  void on_settings_changed() { watch_->adopt_thresholds(); }
  void wake();

private:
  void look();
  void on_tripped(const runtime::rollout::tripped& found, double now);
  void execute(rollout_command& command);
  void roll_back(rollout_command& command);
  void confirm_or_cancel(rollout_command& command);
  void verify_again(rollout_command& command);
  void arm_watch();

  std::optional<intelligent_watch> watch_;
  std::optional<rollback_execution> execution_;
  std::uint64_t watch_generation_ = 0;
};

/// `probe` runs a command when the checklist asks for it.
rollback_self::behavior_type rollback(rollback_self::stateful_pointer<rollback_actor_state> self,
                                      const rollback_parts& parts, protocols::root_actor root,
                                      command_probe probe);

}  // namespace greenroom::actors
