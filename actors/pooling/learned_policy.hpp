// What a director's policy has learnt: restored, saved, and shown on the forecast board.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "runtime/pooling/predictive_policy.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace greenroom::actors {

/// Belongs to the director of the intelligent pool, with Greenroom's own policy.
class learned_policy {
public:
  /// Everything must outlive the object.
  learned_policy(runtime::predictive_policy& policy, const catalog_store& catalogs,
                 event_log& events, forecast_board& forecast)
      : policy_{policy}, catalogs_{catalogs}, events_{events}, forecast_{forecast} {}

  /// Restores what a predecessor has saved. Damaged state is set aside: event `learned.damaged`.
  void restore();
  void save();
  /// Publishes what the policy has changed by itself, shows the ranking of the specialists, and
  /// saves once a minute.
  void show(double now_s);

private:
  void publish_changes();
  [[nodiscard]] std::vector<std::string> names() const;

  runtime::predictive_policy& policy_;
  const catalog_store& catalogs_;
  event_log& events_;
  forecast_board& forecast_;
  double shown_s_ = 0;
  double saved_s_ = 0;
};

}  // namespace greenroom::actors
