// The monitor: looks at the pools at its interval and says how they do, and what is wrong.
#pragma once

#include "actors/pool_sampler.hpp"
#include "actors/watcher.hpp"
#include "runtime/monitoring/alert_book.hpp"

#include <caf/all.hpp>

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace greenroom::actors {

/// Delivers one alert, as JSON, to a URL; must not block. Retries are its own affair.
using alert_post = std::function<void(const std::string& url, const std::string& json)>;

/// Samples both pools every `health_interval` (and on `check_atom`), judges health and alerts, and
/// leaves all of it on the house's board. Each change of an alert is an event (`alert.firing`,
/// `alert.resolved`) and goes to the webhooks. Records per specialist what root causes are found
/// from, and keeps it in the journal, so that an analysis survives a restart.
struct monitor_state : watcher {
  static constexpr const char* name = "greenroom.monitor";

  alert_post post;
  std::vector<pool_sampler> samplers;
  std::optional<runtime::monitoring::alert_book> served;       ///< What callers get.
  std::optional<runtime::monitoring::alert_book> intelligent;  ///< While another pool answers too.
  std::uint64_t generation = 0;
  std::uint64_t rollback_told = 0;  ///< The rollback that was last an alert.
  bool rollback_standing = false;
  std::uint64_t events_seen = 0;   ///< The last one that may have become an alert.
  std::uint64_t damages_told = 0;  ///< Of the journal.

  void open();
  void look();
  [[nodiscard]] std::vector<runtime::monitoring::alert_rule> rules_now() const;
  void rollback_alert(double now_s, std::vector<runtime::monitoring::alert_change>& changes);
  /// What happens and is over at once, and is good to know.
  void event_alerts(double now_s, std::vector<runtime::monitoring::alert_change>& changes);
  void tell(const std::vector<runtime::monitoring::alert_change>& changes);
};

using monitor_actor = caf::stateful_actor<monitor_state>;

caf::behavior monitor(monitor_actor* self, house* where, caf::actor root, alert_post post);

}  // namespace greenroom::actors
