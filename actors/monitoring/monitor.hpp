// The monitor: looks at the pools at its interval and says how they do, and what is wrong.
#pragma once

#include "actors/monitoring/evidence.hpp"
#include "actors/monitoring/pool_sampler.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/journaled_actor.hpp"
#include "actors/state/pool_records.hpp"
#include "runtime/monitoring/alert_book.hpp"
#include "runtime/monitoring/sample_history.hpp"
#include "runtime/monitoring/slot_watch.hpp"

#include <caf/all.hpp>

#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::actors {

/// Delivers one alert, as JSON, to a URL; must not block. Retries are its own affair.
using alert_post = std::function<void(const std::string& url, const std::string& json)>;

/// What the monitor works with.
struct monitor_parts : journaled_parts {
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  synchronized<runtime::monitoring::sample_history>& samples;
  forecast_board& forecast;
  sampler_parts sampling;
  evidence_parts evidence;
};

/// Samples both pools every `health_interval` (and on `check_atom`), judges health and alerts, and
/// leaves all of it on the node's status board. Each change of an alert is an event
/// (`alert.firing`, `alert.resolved`) and goes to the webhooks. Records per specialist what root
/// causes are found from, and keeps it in the journal, so that an analysis survives a restart. Once
/// a second it looks whether a task waits for a slot while one is idle: that is an alert
/// (`task-stuck`), and the pool is asked to look again. When it was not run for a while (the node
/// was stopped, the machine slept) it says so (`node.paused`) and does not judge what came of it.
struct monitor_state : journaled_actor<monitor_parts> {
  static constexpr const char* name = "greenroom.monitor";

  alert_post post;
  std::vector<pool_sampler> samplers;
  std::optional<runtime::monitoring::alert_book> served;       ///< What callers get.
  std::optional<runtime::monitoring::alert_book> intelligent;  ///< While another pool answers too.
  std::uint64_t generation = 0;
  double interval_s = 0;            ///< The `health_interval` in force.
  std::uint64_t rollback_told = 0;  ///< The rollback that was last an alert.
  bool rollback_standing = false;
  std::uint64_t events_seen = 0;  ///< The last one that may have become an alert.
  std::array<runtime::monitoring::slot_watch, 2> slots;  ///< By pool_kind.
  std::array<std::vector<std::uint32_t>, 2> stuck;       ///< Who was stuck at the last look.
  double ticked_s = 0;                                   ///< When it was last looked who is stuck.
  bool unjudged = false;           ///< What has ended since the last look ran through a pause.
  double paused_s = 0;             ///< When the last pause was noticed.
  std::uint64_t damages_told = 0;  ///< Of the journal.

  void open();
  /// Alerts that stand as long as a specialist is in a certain state.
  void specialist_alerts(double now_s, std::vector<runtime::monitoring::alert_change>& changes);
  std::map<std::string_view, std::string> standing;  ///< Those alerts, with what they name.
  void look();
  void watch();
  void watch_pool(protocols::pool_kind kind, double now_s,
                  std::vector<runtime::monitoring::alert_change>& changes);
  /// True when nobody has looked for so long that the node must have stood still.
  bool notice_pause(double now_s);
  /// True when a reload has changed the interval.
  [[nodiscard]] bool adopt_interval();
  [[nodiscard]] std::vector<runtime::monitoring::alert_rule> rules_now() const;
  void rollback_alert(double now_s, std::vector<runtime::monitoring::alert_change>& changes);
  /// What happens and is over at once, and is good to know.
  void event_alerts(double now_s, std::vector<runtime::monitoring::alert_change>& changes);
  void tell(const std::vector<runtime::monitoring::alert_change>& changes);
};

using monitor_actor = caf::stateful_actor<monitor_state>;

caf::behavior monitor(monitor_actor* self, const monitor_parts& parts, caf::actor root,
                      alert_post post);

}  // namespace greenroom::actors
