#include "actors/monitoring/event_alerts.hpp"

#include "actors/monitoring/evidence.hpp"

#include <optional>
#include <string>
#include <utility>

namespace greenroom::actors {

using namespace runtime::monitoring;
using runtime::rollout::rollback_plan, runtime::rollout::rollback_state;

namespace {

std::optional<rollback_plan> last_rollback(const status_board& from) {
  return from.read([](const status_board::content& board) {
    return board.rollbacks.empty() ? std::optional<rollback_plan>{} : board.rollbacks.back().plan;
  });
}

}  // namespace

event_alerts::event_alerts(const event_alert_parts& parts) : parts_{parts} {
  const auto last = last_rollback(parts_.board);
  if (last && last->finished() && last->state() != rollback_state::unverified)
    rollback_told_ = last->id();
  if (const auto before = parts_.events.after(0); !before.empty())
    events_seen_ = before.back().number;
}

alert_changes event_alerts::look(alert_book& book, double now_s) {
  alert_changes result;
  look_at_rollback(book, now_s, result);
  look_at_events(book, now_s, result);
  look_at_journal(book, now_s, result);
  return result;
}

// A rollback is an alert from its beginning until it is verified, and at least from one look to the
// next: most rollbacks are over before the next look.
void event_alerts::look_at_rollback(alert_book& book, double now_s, alert_changes& to) {
  const auto last = last_rollback(parts_.board);
  if (!last) return;
  if (last->id() != std::exchange(rollback_told_, last->id())) {
    rollback_firing_ = true;
    append(to, book.raise(rollback_triggered,
                          std::string{name_of(last->cause())} + ": " + last->reason(), now_s));
  } else if (rollback_firing_ && last->finished() && last->state() != rollback_state::unverified) {
    rollback_firing_ = false;
    append(to, book.settle(rollback_triggered, now_s));
  }
}

void event_alerts::look_at_events(alert_book& book, double now_s, alert_changes& to) {
  for (const auto& one : parts_.events.after(events_seen_)) {
    events_seen_ = one.number;
    if (one.kind == "workflow.detected")
      append(to, book.raise(workflow_detected, member_text(one.json, "workflow"), now_s));
    else if (one.kind == "tuning.adjusted")
      append(to, book.raise(self_tuning_adjustment,
                            "warm threshold " + member_text(one.json, "threshold") + ", "
                                + member_text(one.json, "slots") + " slots",
                            now_s));
  }
}

// Most damage is found before the monitor starts.
void event_alerts::look_at_journal(alert_book& book, double now_s, alert_changes& to) {
  const auto journal =
      parts_.journal.troubles.read([](const journal_inbox::trouble& state) { return state; });
  if (std::exchange(damages_told_, journal.changes) != journal.changes)
    append(to, book.raise(journal_damaged, journal.damage, now_s));
}

}  // namespace greenroom::actors
