#include "actors/rollout/rollout_observer.hpp"

#include "actors/state/rollout_settings.hpp"
#include "actors/state/units.hpp"

#include <utility>

namespace greenroom::actors {

using protocols::pool_kind;

void rollout_observer::feed(runtime::rollout::rollout_plan& plan, double now_s) {
  for (const auto pool : {pool_kind::baseline, pool_kind::intelligent})
    plan.observe(pool, parts_.ends.take(pool), now_s);
  const auto count = parts_.forecast.adjustments.load(std::memory_order_relaxed);
  if (std::exchange(adjustments_seen_, count) != count) adjusted_at_s_ = now_s;
}

void rollout_observer::drop_ends() {
  for (const auto pool : {pool_kind::baseline, pool_kind::intelligent})
    static_cast<void>(parts_.ends.take(pool));
}

runtime::rollout::circumstances rollout_observer::circumstances(double now_s) const {
  runtime::rollout::circumstances result;
  result.ready = readiness_of(parts_.readiness);
  const auto& config = parts_.catalogs.now().config;
  const auto interval = seconds_of(config.health_interval);
  const auto check = seconds_of(config.rollout.check_interval);
  const auto now = parts_.clock.unix_s(parts_.clock.now_ns());
  parts_.board.read([&](const status_board::content& board) {
    // The rollback samples at every check interval; the monitor may take longer.
    result.memory_efficiency =
        board.watched_at_s > 0 && now - board.watched_at_s <= 3 * check + 1
            ? board.watched_efficiency
            : board.samples[static_cast<std::size_t>(pool_kind::intelligent)].memory_efficiency;
    // No sample for three intervals: the monitor does not work.
    if (now - board.checked_at_s > 3 * interval + 1) result.ready.monitor_ok = false;
  });
  const auto shadow = parts_.shadow.read();
  result.commands_compared = shadow.commands_compared;
  result.commands_differing = shadow.commands_differing;
  // A change is watched for as long as its effect takes to show.
  constexpr double checks_watched = 4;
  result.tuning = adjusted_at_s_ > 0 && now_s - adjusted_at_s_ < checks_watched * check;
  return result;
}

}  // namespace greenroom::actors
