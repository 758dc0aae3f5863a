// The rollout: from the baseline pool to the intelligent pool, phase by phase.
#pragma once

#include "actors/rollout/instance_restarts.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/rollout/unwritten_steps.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/journaled_actor.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/shadow_traffic.hpp"
#include "protocols/base/expected.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/rollout/rollout_plan.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What the rollout works with.
struct rollout_parts : journaled_parts {
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  machine::node_gauge& gauge;
  ends_feed& ends;
  shadow_traffic& shadow;
  forecast_board& forecast;
  readiness_parts readiness;
};

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
  void propose(const runtime::rollout::decision& why);
  void try_other_instances();
  void go_back(const runtime::rollout::decision& why);
  void catch_up();
  [[nodiscard]] runtime::rollout::circumstances look() const;

  std::optional<runtime::rollout::rollout_plan> plan_;
  unwritten_steps waiting_;
  std::optional<instance_restarts> instances_;
  bool ticking_ = false;  ///< The next tick is armed.
  double judged_at_s_ = 0;
  std::uint64_t adjustments_seen_ = 0;
  double adjusted_at_s_ = 0;  ///< When the pool last changed its own limits.
  std::optional<runtime::rollout::phase> applied_;
  std::uint64_t applied_run_ = 0;
};

rollout_self::behavior_type rollout(rollout_self::stateful_pointer<rollout_state> self,
                                    const rollout_parts& parts, protocols::root_actor root);

/// Puts what was journaled on the board and into the routing table, before any actor starts.
/// Returns what could not be read, for people; empty when all was read.
[[nodiscard]] std::string remember(const config::node& config, routing_table& routes,
                                   status_board& board, const journaled_status& journaled);

constexpr const char* rollout_record = "rollout.plan";  ///< Its name in the journal.

}  // namespace greenroom::actors
