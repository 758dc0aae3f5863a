// Alerts that fire as long as a specialist is in a certain state.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "runtime/monitoring/alert_book.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::actors {

/// What the alerts are found in.
struct specialist_alert_parts {
  const node_clock& clock;
  const catalog_store& catalogs;
  const pool_records& pools;
  const routing_table& routes;
};

/// One alert for each rule names every specialist that it holds for. One owner.
class specialist_alerts {
public:
  explicit specialist_alerts(const specialist_alert_parts& parts) : parts_{parts} {}

  /// Raises and settles alerts in `book`. Returns the changes.
  [[nodiscard]] std::vector<runtime::monitoring::alert_change> look(
      runtime::monitoring::alert_book& book, double now_s);

private:
  /// The specialists that a rule holds for, by rule; an empty text: none.
  using texts = std::map<std::string_view, std::string>;
  [[nodiscard]] texts find() const;

  specialist_alert_parts parts_;
  texts firing_;  ///< At the last look.
};

}  // namespace greenroom::actors
