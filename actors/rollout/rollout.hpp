// The rollout: from the baseline pool to the intelligent one, phase by phase.
#pragma once

#include "actors/rollout/readiness.hpp"
#include "actors/rollout/shadow_traffic.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/journaled_actor.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/rollout/rollout_plan.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace greenroom::actors {

/// What the rollout works with.
struct rollout_parts : journaled_parts {
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  machine::node_gauge& gauge;
  ends_feed& ends;
  mirror& shadow;
  forecast_board& forecast;
  readiness_parts readiness;
};

/// Carries the plan: feeds it with the ends of tasks and what the monitor saw, ticks it every
/// `rollout.check_interval`, and sets the routing_table to what it decides. A decision takes effect
/// once it is in the journal, so that whatever was seen survives `kill -9`; only the way back to
/// the baseline does not wait. Woken by `steer_atom` when a word lies in its box.
struct rollout_state : journaled_actor<rollout_parts> {
  static constexpr const char* name = "greenroom.rollout";

  std::optional<runtime::rollout::rollout_plan> plan;
  struct step {
    std::uint64_t token = 0;
    runtime::rollout::rollout_plan then;  ///< The plan as it is in the journal.
    std::vector<runtime::rollout::decision> made;
    std::function<void()> told;
  };
  std::deque<step> waiting;   ///< For the journal.
  bool ticking = false;       ///< The next tick is on its way.
  double insist_at_s = 0;     ///< When the journal is told again what it has not written,
  double insist_pause_s = 0;  ///< and so long after that once more.
  double judged_at_s = 0;
  std::uint64_t adjustments_seen = 0;
  double adjusted_at_s = 0;  ///< When the pool was last seen to have changed its own limits.
  std::optional<runtime::rollout::phase> applied;
  std::uint64_t applied_run = 0;
  struct attempts {
    int made = 0;
    double last_s = 0;
  };
  std::map<std::string, attempts, std::less<>> tried;  ///< Specialists started again in this run.

  void open();
  void wake();
  void obey(steering& word);
  void tick();
  void judge(double now_s);
  void keep(std::vector<runtime::rollout::decision> made, std::function<void()> told);
  void written(std::uint64_t number);
  void show(const step& one);
  void apply(const runtime::rollout::rollout_plan& now);
  void insist();
  void arm();
  /// Why no share can be set yet; empty when it can. Begins what is missing.
  [[nodiscard]] std::string not_ready_to_route();
  void propose(const runtime::rollout::decision& why);
  /// Starts those baseline workers again whose outputs may name their process.
  void try_other_instances();
  void go_back(const runtime::rollout::decision& why);
  void catch_up();
  [[nodiscard]] runtime::rollout::circumstances look() const;
};

using rollout_actor = caf::stateful_actor<rollout_state>;

caf::behavior rollout(rollout_actor* self, const rollout_parts& parts, caf::actor root);

/// Puts on the board, and into the routing_table, what was journaled; before any actor starts.
/// Returns what could not be read, for people; empty when all was.
[[nodiscard]] std::string remember(const config::node& config, routing_table& routes,
                                   status_board& board, const journaled_status& journaled);

constexpr const char* rollout_record = "rollout.plan";  ///< Its name in the journal.

}  // namespace greenroom::actors
