// The monitor: looks at the pools at its interval and says how they do, and what is wrong.
#pragma once

#include "actors/house.hpp"
#include "actors/pool_sampler.hpp"
#include "protocols/node_messages.hpp"
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
/// from.
struct monitor_state {
  static constexpr const char* name = "greenroom.monitor";

  caf::event_based_actor* self = nullptr;
  house* where = nullptr;
  alert_post post;
  std::vector<pool_sampler> samplers;
  std::optional<runtime::monitoring::alert_book> served;       ///< What callers get.
  std::optional<runtime::monitoring::alert_book> intelligent;  ///< While another pool answers too.
  std::uint64_t generation = 0;
  std::uint64_t events_seen = 0;
  bool rollback_standing = false;
  struct past {
    std::array<std::uint64_t, machine::task_outcomes> ends{};
    std::uint64_t cold_starts = 0, warm_hits = 0;
  };
  std::array<std::vector<past>, pools> before;

  void open();
  void look();
  void record_specialists(double now_s);
  void tell(const std::vector<runtime::monitoring::alert_change>& changes);
};

using monitor_actor = caf::stateful_actor<monitor_state>;

caf::behavior monitor(monitor_actor* self, house* where, alert_post post);

/// An alert as `GET /v1/alerts` and webhooks have it.
[[nodiscard]] std::string alert_json(const runtime::monitoring::alert& one);

/// response_ratio as the triggers and the judge mean it: 1 when the difference of the means is less
/// than the overhead that the product allows, whatever the ratio. Nothing without both.
[[nodiscard]] std::optional<double> response_ratio(std::optional<double> mean_ms,
                                                   std::optional<double> baseline_mean_ms);
/// "response overhead ≤ 350 ms on average over always-warm, aim 250": what is within the aim is not
/// held against a pool. With tasks of a millisecond, one cold start is a ratio of a hundred.
constexpr double response_slack_ms = 250;

}  // namespace greenroom::actors
