// Whether the intelligent pool works well enough to go on.
#pragma once

#include "actors/monitoring/pool_sampler.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/status_board.hpp"
#include "runtime/monitoring/health_score.hpp"
#include "runtime/rollout/rollback_watch.hpp"

#include <optional>
#include <vector>

namespace greenroom::actors {

/// What the watch reads.
struct pool_watch_parts {
  const catalog_store& catalogs;
  const routing_table& routes;
  status_board& board;
  sampler_parts sampling;
};

/// Samples both pools while the intelligent pool works, and finds out when a trigger has held for
/// its grace. One owner.
class intelligent_watch {
public:
  explicit intelligent_watch(const pool_watch_parts& parts);

  /// Call it every `rollout.check_interval`. Returns the trigger that has held for its grace.
  [[nodiscard]] std::optional<runtime::rollout::tripped> look(double now_s);
  /// Earlier samples do not count any more.
  void disarm() { watch_.disarm(); }
  void adopt_thresholds();

  [[nodiscard]] runtime::monitoring::pool_sample sample_baseline(double now_s);
  /// The baseline pool's mean response when it last had enough tasks; nothing: it never had.
  [[nodiscard]] const std::optional<double>& baseline_mean_ms() const { return baseline_mean_ms_; }
  /// Of the intelligent pool, at the last look.
  [[nodiscard]] const runtime::monitoring::health_report& health() const { return health_; }

private:
  [[nodiscard]] runtime::monitoring::pool_sample take_sample(double now_s);
  /// Since when a critical alert has been firing that counts against the intelligent pool.
  [[nodiscard]] std::optional<double> critical_since(runtime::rollout::mode routes) const;
  void learn_baseline(double now_s);

  pool_watch_parts parts_;
  runtime::rollout::rollback_watch watch_;
  std::vector<pool_sampler> samplers_;  ///< By pool_kind.
  std::optional<double> baseline_mean_ms_;
  runtime::monitoring::health_report health_;
  double looked_s_ = 0;  ///< 0: not yet.
};

}  // namespace greenroom::actors
