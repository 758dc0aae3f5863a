// The monitor: samples the pools, judges their health, and raises alerts.
#pragma once

#include "actors/monitoring/event_alerts.hpp"
#include "actors/monitoring/evidence.hpp"
#include "actors/monitoring/pool_sampler.hpp"
#include "actors/monitoring/specialist_alerts.hpp"
#include "actors/monitoring/stuck_tasks.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/journaled_actor.hpp"
#include "actors/state/pool_records.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/monitoring/alert_book.hpp"
#include "runtime/monitoring/sample_history.hpp"

#include <caf/all.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace greenroom::actors {

/// Delivers one alert, as JSON, to a URL, and retries by itself. Must not block.
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

using look_atom = caf::atom_constant<caf::atom("look")>;
using stuck_atom = caf::atom_constant<caf::atom("stuck")>;

/// The interface and the monitor's own timers.
using monitor_self = protocols::monitor_actor::extend<
    // `health_interval` has passed: sample and judge. A stale generation means that the timer was
    // armed again since.
    caf::reacts_to<look_atom, std::uint64_t>,
    // A second has passed: look for stuck tasks.
    caf::reacts_to<stuck_atom>>;

/// Samples both pools every `health_interval`, judges health and alerts, and puts the result on the
/// status board. Each change of an alert is an event (`alert.firing`, `alert.resolved`) and goes to
/// the webhooks. The monitor records for each specialist what root causes are found from, and keeps
/// it in the journal, so that an analysis survives a restart. After a pause of the node (it was
/// stopped, the machine slept) the monitor publishes `node.paused` and does not judge the samples
/// of that time.
struct monitor_state : journaled_actor<monitor_self, monitor_parts> {
  static constexpr const char* name = "greenroom.monitor";

  void open(alert_post deliver);
  void on_look(std::uint64_t number);
  void on_stuck();
  void on_settings_changed();

private:
  using alert_changes = runtime::monitoring::alert_changes;

  void look();
  void look_for_stuck_tasks();
  /// True when the last tick is so long ago that the node must have stood still.
  [[nodiscard]] bool notice_pause(double now_s);
  [[nodiscard]] std::array<runtime::monitoring::pool_sample, 2> sample_pools(double now_s);
  /// Alerts of the intelligent pool while the other pool answers callers, too.
  [[nodiscard]] alert_changes observe_intelligent(const runtime::monitoring::pool_sample& sample);
  /// The page of evidence of one look.
  [[nodiscard]] runtime::rollout::evidence_recorder evidence_of(
      const std::array<runtime::monitoring::pool_sample, 2>& samples, double now_s);
  [[nodiscard]] std::vector<runtime::monitoring::alert_rule> rules_now() const;
  void tell(const alert_changes& changes);
  void arm_look();
  void arm_stuck();

  alert_post post_;
  std::vector<pool_sampler> samplers_;                          ///< By pool_kind.
  std::optional<runtime::monitoring::alert_book> served_;       ///< About what callers get.
  std::optional<runtime::monitoring::alert_book> intelligent_;  ///< See observe_intelligent.
  std::vector<stuck_tasks> stuck_tasks_;                        ///< By pool_kind.
  std::optional<event_alerts> event_alerts_;
  std::optional<specialist_alerts> specialist_alerts_;
  std::uint64_t generation_ = 0;
  double interval_s_ = 0;  ///< The `health_interval` in force.
  double ticked_s_ = 0;    ///< When a pause was last looked for; 0: not yet.
  bool unjudged_ = false;  ///< Tasks that have ended since the last look ran through a pause.
  double paused_s_ = 0;    ///< When the last pause was noticed.
};

monitor_self::behavior_type monitor(monitor_self::stateful_pointer<monitor_state> self,
                                    const monitor_parts& parts, protocols::root_actor root,
                                    alert_post post);

}  // namespace greenroom::actors
