// The rollback: watches whether the intelligent pool has turned bad, and brings everything back to
// the baseline. Knows nothing of phases and needs neither the rollout nor the monitor to act.
#pragma once

#include "actors/monitoring/evidence.hpp"
#include "actors/monitoring/pool_sampler.hpp"
#include "actors/rollout/command_probe.hpp"
#include "actors/rollout/verification.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/journaled_actor.hpp"
#include "actors/state/pool_records.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/monitoring/health_score.hpp"
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

/// Samples both pools itself every `rollout.check_interval` while the intelligent one works, and
/// rolls back when a trigger has held for its grace; or when told so (`steer_atom` and a word in
/// its box). Switches the door over first and writes it down afterwards, moves what waits, lets
/// what runs finish or fences it, and verifies. Every step is journaled, and a replacement, or the
/// next life of the node, goes on at the step that was recorded last.
struct rollback_actor_state : journaled_actor<rollback_parts> {
  static constexpr const char* name = "greenroom.rollback";

  runtime::rollout::rollback_watch watch;
  std::vector<pool_sampler> samplers;  ///< By pool_kind.
  std::optional<double> baseline_mean_ms;
  runtime::monitoring::health_report health;  ///< Of the intelligent pool, at the last look.
  double looked_s = 0;                        ///< When that was.
  std::uint64_t watch_generation = 0;
  std::uint64_t work_generation = 0;

  std::optional<runtime::rollout::rollback_plan> plan;  ///< The one that is under way.
  std::optional<verification> checklist;
  std::string analysis;
  double saved_at_s = 0;
  double rollout_told_s = 0;
  std::uint64_t waiting_at_start = 0;
  std::uint64_t running_at_start = 0;

  // -- rollback.cpp: the watch and the words --
  void open(command_probe probe);
  void look();
  [[nodiscard]] runtime::monitoring::pool_sample take_sample(double now);
  void wake();
  void obey(steering& word);
  void roll_back(steering& word);
  void verify_again(steering& word);
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
  void tell_rollout(double now);
  [[nodiscard]] bool rollout_knows() const;
  void keep();
  void finish();
  void arm_work();
};

using rollback_actor = caf::stateful_actor<rollback_actor_state>;

/// `probe` runs a command when the checklist asks for it.
caf::behavior rollback(rollback_actor* self, const rollback_parts& parts, caf::actor root,
                       command_probe probe);

constexpr const char* rollback_count_record = "rollback.count";
[[nodiscard]] inline std::string rollback_record(std::uint64_t id) {
  return "rollback." + std::to_string(id);
}

}  // namespace greenroom::actors
