// Alerts about what has happened: a rollback, a detected workflow, a damaged journal.
#pragma once

#include "actors/state/event_log.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/status_board.hpp"
#include "runtime/monitoring/alert_book.hpp"

#include <cstdint>
#include <vector>

namespace greenroom::actors {

/// What the alerts are found in.
struct event_alert_parts {
  event_log& events;
  const journal_inbox& journal;
  const status_board& board;
};

/// One owner.
class event_alerts {
public:
  /// A rollback that was finished before, and events before, are no alerts.
  explicit event_alerts(const event_alert_parts& parts);

  /// Raises and settles alerts in `book`. Returns the changes.
  [[nodiscard]] std::vector<runtime::monitoring::alert_change> look(
      runtime::monitoring::alert_book& book, double now_s);

private:
  using changes = runtime::monitoring::alert_changes;
  void look_at_rollback(runtime::monitoring::alert_book& book, double now_s, changes& to);
  void look_at_events(runtime::monitoring::alert_book& book, double now_s, changes& to);
  void look_at_journal(runtime::monitoring::alert_book& book, double now_s, changes& to);

  event_alert_parts parts_;
  std::uint64_t rollback_told_ = 0;  ///< The rollback of the last alert.
  bool rollback_firing_ = false;
  std::uint64_t events_seen_ = 0;   ///< The number of the last event.
  std::uint64_t damages_told_ = 0;  ///< Of the journal.
};

}  // namespace greenroom::actors
