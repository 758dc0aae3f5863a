// What the plan of a rollout must know about the node.
#pragma once

#include "actors/rollout/readiness.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/journaled_actor.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/shadow_traffic.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/rollout/rollout_plan.hpp"

#include <cstdint>

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

/// Reads the ends of tasks, the samples and the comparisons. One owner.
class rollout_observer {
public:
  /// `parts` must outlive the object.
  explicit rollout_observer(const rollout_parts& parts) : parts_{parts} {}

  /// Gives the plan the ends of tasks since the last call.
  void feed(runtime::rollout::rollout_plan& plan, double now_s);
  /// Drops the ends of tasks since the last call: a new stage does not count them.
  void drop_ends();
  [[nodiscard]] runtime::rollout::circumstances circumstances(double now_s) const;

private:
  const rollout_parts& parts_;
  std::uint64_t adjustments_seen_ = 0;
  double adjusted_at_s_ = 0;  ///< When the pool last changed its own limits; 0: never.
};

}  // namespace greenroom::actors
