// The rollout: from the baseline pool to the intelligent pool, phase by phase.
#pragma once

#include "actors/rollout/instance_restarts.hpp"
#include "actors/rollout/rollout_observer.hpp"
#include "actors/rollout/unwritten_steps.hpp"
#include "protocols/base/expected.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/rollout/rollout_plan.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace greenroom::actors {

using rollout_tick_atom = caf::atom_constant<caf::atom("rolltick")>;

/// The interface and the rollout's own timer.
using rollout_self = protocols::rollout_actor::extend<
    // Every 200 ms while a rollout runs or a step waits for the journal.
    caf::reacts_to<rollout_tick_atom>>;

/// Carries out the plan: feeds it with the ends of tasks and with what the monitor saw, every
/// `rollout.check_interval`, and sets the routing table to what the plan decides. A decision takes
/// effect when it is in the journal, so that what was seen survives `kill -9`; only the way back to
/// the baseline does not wait.
struct rollout_state : journaled_actor<rollout_self, rollout_parts> {
  static constexpr const char* name = "greenroom.rollout";

  void open();
  void wake();
  void tick();
  void on_written(std::uint64_t number);
  void on_settings_changed();

private:
  void execute(rollout_command& command);
  /// Why the command cannot be obeyed now, whatever the plan says.
  [[nodiscard]] std::optional<base::problem> why_not_now(const rollout_command& command);
  /// What the plan says to the command; nothing when it is no command for the rollout.
  [[nodiscard]] std::optional<runtime::rollout::answer> decide(const rollout_command& command);
  void judge(double now_s);
  void keep(std::vector<runtime::rollout::decision> made, std::function<void()> reply);
  void show(const rollout_step& one);
  void apply(const runtime::rollout::rollout_plan& now);
  void repeat_unwritten();
  void arm();
  /// Before an operator's share: opens and warms the baseline pool unless it is warm. An error
  /// while it is not warm.
  [[nodiscard]] base::expected<void> prepare_route();
  void try_other_instances();

  std::optional<runtime::rollout::rollout_plan> plan_;
  unwritten_steps waiting_;
  std::optional<rollout_observer> observer_;
  std::optional<instance_restarts> instances_;
  bool ticking_ = false;  ///< The next tick is armed.
  double judged_at_s_ = 0;
  std::optional<runtime::rollout::phase> applied_;
  std::uint64_t applied_run_ = 0;
};

rollout_self::behavior_type rollout(rollout_self::stateful_pointer<rollout_state> self,
                                    const rollout_parts& parts, protocols::root_actor root);

/// Puts what was journaled on the board and into the routing table, before any actor starts.
/// Returns what could not be read, for people; empty when all was read.
[[nodiscard]] std::string restore_rollout(const config::node& config, routing_table& routes,
                                          status_board& board, const journaled_status& journaled);

constexpr const char* rollout_record = "rollout.plan";  ///< Its name in the journal.

}  // namespace greenroom::actors
