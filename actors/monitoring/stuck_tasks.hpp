// Tasks that wait for a slot although one is available.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "runtime/monitoring/slot_watch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What the search reads, and where it tells what it found.
struct stuck_task_parts {
  const node_clock& clock;
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  const forecast_board& forecast;
};

/// Looks at one pool about once a second. One owner.
class stuck_tasks {
public:
  stuck_tasks(const stuck_task_parts& parts, protocols::pool_kind pool)
      : parts_{parts}, pool_{pool} {}

  struct findings {
    bool any = false;                 ///< A specialist is stuck now.
    std::vector<std::string> alerts;  ///< One text for each specialist that was not stuck before.
  };
  /// Counts and publishes (`task.stuck`) each specialist that was not stuck at the last look.
  [[nodiscard]] findings look(double now_s);
  /// The node stood still: earlier observations do not count any more.
  void forget() { watch_.forget(); }

private:
  [[nodiscard]] std::vector<runtime::monitoring::slot_view> views() const;
  [[nodiscard]] runtime::monitoring::slot_watch_limits limits() const;

  stuck_task_parts parts_;
  protocols::pool_kind pool_;
  runtime::monitoring::slot_watch watch_;
  std::vector<std::uint32_t> stuck_;  ///< At the last look.
};

}  // namespace greenroom::actors
