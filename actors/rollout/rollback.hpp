// The rollback: brings every task back to the baseline pool when the intelligent pool does not work
// well. It needs neither the rollout nor the monitor.
#pragma once

#include "actors/monitoring/evidence.hpp"
#include "actors/monitoring/pool_sampler.hpp"
#include "actors/rollout/command_probe.hpp"
#include "actors/rollout/intelligent_watch.hpp"
#include "actors/rollout/verification.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/journaled_actor.hpp"
#include "actors/state/pool_records.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/rollout/rollback_watch.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace greenroom::actors {

/// What the rollback works with.
struct rollback_parts : journaled_parts {
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  machine::node_gauge& gauge;
  sampler_parts sampling;
  evidence_parts evidence;
  verification_parts verifying;
};

using look_atom = caf::atom_constant<caf::atom("look")>;
using work_atom = caf::atom_constant<caf::atom("work")>;

/// The interface and the rollback's own timers. A stale generation means that the timer was armed
/// again since.
using rollback_self = protocols::rollback_actor::extend<
    // `rollout.check_interval` has passed: sample the pools.
    caf::reacts_to<look_atom, std::uint64_t>,
    // A rollback is under way: go on with its steps.
    caf::reacts_to<work_atom, std::uint64_t>>;

/// Rolls back when `intelligent_watch` finds a reason, or by a command. First the door sends new
/// tasks to the baseline pool, then the rollback is journaled, then queued tasks move, running
/// tasks finish or are fenced, and the checklist is run. Every step is journaled, and a
/// replacement, or the next run of the node, continues at the last recorded step.
struct rollback_actor_state : journaled_actor<rollback_self, rollback_parts> {
  static constexpr const char* name = "greenroom.rollback";

  std::optional<intelligent_watch> watch;
  std::uint64_t watch_generation = 0;
  std::uint64_t work_generation = 0;

  std::optional<runtime::rollout::rollback_plan> plan;  ///< Of the rollback that is under way.
  std::optional<verification> checklist;
  std::string analysis;
  double saved_at_s = 0;
  double commanded_s = 0;  ///< When the rollout was last told to fall back.
  std::uint64_t waiting_at_start = 0;
  std::uint64_t running_at_start = 0;

  // -- rollback.cpp: the watch and the commands --
  void open(command_probe probe);
  void on_look(std::uint64_t generation);
  void on_work(std::uint64_t generation);
  void on_written(std::uint64_t number);
  void look();
  void on_tripped(const runtime::rollout::tripped& found, double now);
  void wake();
  void execute(rollout_command& command);
  void roll_back(rollout_command& command);
  void verify_again(rollout_command& command);
  void arm_watch();

  // -- rollback_steps.cpp: the way back --
  void begin(runtime::rollout::rollback_kind kind, runtime::rollout::trigger cause,
             const std::string& reason, double now);
  void find_cause();
  void work();
  void carry_out(double now);
  void switch_over();
  void lower(double percentage);
  void verify(double now);
  void command_rollout(double now);
  [[nodiscard]] bool rollout_knows() const;
  void keep();
  void finish();
  void arm_work();
};

/// `probe` runs a command when the checklist asks for it.
rollback_self::behavior_type rollback(rollback_self::stateful_pointer<rollback_actor_state> self,
                                      const rollback_parts& parts, protocols::root_actor root,
                                      command_probe probe);

constexpr const char* rollback_count_record = "rollback.count";
[[nodiscard]] inline std::string rollback_record(std::uint64_t id) {
  return "rollback." + std::to_string(id);
}

}  // namespace greenroom::actors
