// The alerts of one subject (a pool or the node), from pending to resolved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/monitoring/alert_rules.hpp"

namespace greenroom::runtime::monitoring {

enum class alert_state : std::uint8_t { pending, firing, resolved };
std::string_view name_of(alert_state what);

struct alert {
  std::uint64_t id = 0;  ///< Increases with every alert of a book; never reused.
  std::string rule;
  severity level = severity::info;
  std::string subject;
  alert_state state = alert_state::pending;
  double value = 0;  ///< The latest measurement; 0 for an event.
  double worst = 0;  ///< The value furthest beyond the threshold so far.
  double threshold = 0;
  std::string text;
  double pending_since_s = 0;
  double firing_since_s = 0;  ///< 0 until it fires.
  double resolved_at_s = 0;   ///< 0 until it is resolved.
  std::uint64_t events = 0;   ///< Of an event rule: the number of events so far.
};

/// An alert entered `now.state`. A pending alert that never fires is dropped without a change.
struct alert_change {
  alert now;
};

using alert_changes = std::vector<alert_change>;

/// Appends `more` to `to`.
inline void append(alert_changes& to, const alert_changes& more) {
  to.insert(to.end(), more.begin(), more.end());
}

/// A rule has at most one active alert; up to `history_max` resolved alerts are kept. A `now_s`
/// before the latest one counts as the latest.
class alert_book {
public:
  explicit alert_book(std::string subject, std::vector<alert_rule> rules = default_alert_rules(),
                      std::size_t history_max = 256, double absent_s = 300);

  /// Replaces thresholds and times. @pre The same rules in the same order.
  void adopt(std::vector<alert_rule> rules);

  /// Evaluates every measured rule. An absent value neither breaches nor clears; after `absent_s`
  /// of absence a pending alert is dropped and a firing one is resolved. Returns the alerts that
  /// started to fire or were resolved, in the order of the rules.
  std::vector<alert_change> observe(const pool_sample& sample);

  /// An event happened: fires its alert, or renews it. Asserts that the name is known.
  std::vector<alert_change> raise(std::string_view rule, std::string text, double now_s);
  /// Resolves the event alert of this name, whatever its `keep_s`.
  std::vector<alert_change> settle(std::string_view rule, double now_s);

  std::vector<alert> firing() const;  ///< Most severe first, then oldest.
  std::vector<alert> pending() const;
  std::vector<alert> history() const;  ///< Resolved alerts, newest first.

private:
  struct entry {
    alert_rule rule;
    std::optional<alert> live;
    std::optional<double> clearing_since_s;
    std::optional<double> absent_since_s;
  };
  void step(entry& each, std::optional<double> value, std::vector<alert_change>& changes);
  void fire(entry& each, std::vector<alert_change>& changes);
  void resolve(entry& each, std::vector<alert_change>& changes);
  entry& named(std::string_view rule);

  std::string subject_;
  std::vector<entry> entries_;
  std::deque<alert> history_;
  std::size_t history_max_;
  double absent_s_;
  double now_s_ = 0;
  std::uint64_t next_id_ = 1;
};

}  // namespace greenroom::runtime::monitoring
