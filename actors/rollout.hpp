// The rollout: from the baseline pool to the intelligent one, phase by phase.
#pragma once

#include "actors/house.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/rollout/rollout_plan.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace greenroom::actors {

/// Carries the plan: feeds it with the ends of tasks and what the monitor saw, ticks it every
/// `rollout.check_interval`, and sets the switchboard to what it decides. A decision takes effect
/// once it is in the journal, so that whatever was seen survives `kill -9`; only the way back to
/// the baseline does not wait. Woken by `steer_atom` when a word lies in its box.
struct rollout_state {
  static constexpr const char* name = "greenroom.rollout";

  caf::event_based_actor* self = nullptr;
  house* where = nullptr;
  caf::actor root;
  std::optional<runtime::rollout::rollout_plan> plan;
  struct unwritten {
    std::uint64_t token = 0;
    runtime::rollout::rollout_plan then;  ///< The plan as it is in the journal.
    std::vector<runtime::rollout::decision> made;
    std::function<void()> told;
  };
  std::deque<unwritten> waiting;  ///< For the journal.
  std::uint64_t token = 0;
  std::uint64_t generation = 0;
  double judged_at_s = 0;
  std::optional<runtime::rollout::phase> applied;
  std::uint64_t applied_run = 0;

  void open();
  void wake();
  void obey(steering& word);
  void tick();
  void judge(double now_s);
  void keep(std::vector<runtime::rollout::decision> made, std::function<void()> told);
  void written(std::uint64_t number);
  void show(const unwritten& one);
  void apply(const runtime::rollout::rollout_plan& now);
  void arm();
  [[nodiscard]] double now_s();
  [[nodiscard]] runtime::rollout::circumstances look() const;
};

using rollout_actor = caf::stateful_actor<rollout_state>;

caf::behavior rollout(rollout_actor* self, house* where, caf::actor root);

/// The settings that the configuration says. The holds of the later phases are those of a step.
[[nodiscard]] runtime::rollout::rollout_settings settings_of(const config::node& from);

/// Puts on the board, and into the switchboard, what was journaled; before any actor starts.
/// Returns what could not be read, for people; empty when all was.
[[nodiscard]] std::string remember(house& where, const watch_memory& journaled);

/// What holds before the first task is mirrored.
[[nodiscard]] runtime::rollout::readiness readiness_of(const house& where);
/// Baseline workers that are warm, of how many.
struct warm_count {
  std::size_t warm = 0, all = 0;
};
[[nodiscard]] warm_count baseline_count(const house& where);
/// Every command of the configuration leads to somebody. Says which does not.
[[nodiscard]] std::string dead_command(const house& where);

constexpr const char* rollout_record = "rollout.plan";  ///< Its name in the journal.

}  // namespace greenroom::actors
