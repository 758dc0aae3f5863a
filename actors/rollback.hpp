// The rollback: watches whether the intelligent pool has turned bad, and brings everything back to
// the baseline. Knows nothing of phases and needs neither the rollout nor the monitor to act.
#pragma once

#include "actors/house.hpp"
#include "actors/pool_sampler.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/rollout/ledger_balance.hpp"
#include "runtime/rollout/rollback_watch.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace greenroom::actors {

/// Samples both pools itself every `rollout.check_interval` while the intelligent one works, and
/// rolls back when a trigger has held for its grace; or when told so (`steer_atom` and a word in
/// its box). Switches the door over first and writes it down afterwards, moves what waits, lets
/// what runs finish or fences it, and verifies. Every step is journaled, and a replacement, or the
/// next life of the node, goes on at the step that was recorded last.
struct rollback_actor_state {
  static constexpr const char* name = "greenroom.rollback";

  caf::event_based_actor* self = nullptr;
  house* where = nullptr;
  caf::actor root;
  runtime::rollout::rollback_watch watch;
  std::vector<pool_sampler> samplers;  ///< By pool_kind.
  std::optional<double> baseline_mean_ms;
  std::uint64_t watch_generation = 0;
  std::uint64_t work_generation = 0;

  std::optional<runtime::rollout::rollback_plan> plan;  ///< The one that is under way.
  std::string analysis;
  std::uint64_t token = 0;
  std::uint64_t written_token = 0;
  double saved_at_s = 0;
  std::uint64_t waiting_at_start = 0;
  std::uint64_t running_at_start = 0;
  std::array<std::uint64_t, machine::task_outcomes> ends_before{};  ///< Of the baseline.
  std::uint64_t refused_before = 0, time_before_ns = 0;

  void open();
  void look();
  void wake();
  void obey(steering& word);
  void begin(runtime::rollout::rollback_kind kind, runtime::rollout::trigger cause,
             const std::string& reason, double now);
  void work();
  void carry_out(double now);
  void switch_over();
  void verify(double now);
  void keep();
  void finish();
  void arm_watch();
  void arm_work();
  [[nodiscard]] double now_s();
  struct held {
    std::uint64_t waiting = 0, running = 0;
  };
  /// Tasks of callers that the intelligent pool still has.
  [[nodiscard]] held count_held() const;
};

using rollback_actor = caf::stateful_actor<rollback_actor_state>;

caf::behavior rollback(rollback_actor* self, house* where, caf::actor root);

[[nodiscard]] runtime::rollout::rollback_thresholds thresholds_of(const config::node& from);

/// Accepted = answered + pending, now. Counters move while they are read, so a difference counts
/// only when it is seen again and again.
[[nodiscard]] runtime::rollout::ledger_verdict ledger_now(const house& where);

constexpr const char* rollback_count_record = "rollback.count";
[[nodiscard]] inline std::string rollback_record(std::uint64_t id) {
  return "rollback." + std::to_string(id);
}

}  // namespace greenroom::actors
