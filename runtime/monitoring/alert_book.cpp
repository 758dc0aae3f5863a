#include "runtime/monitoring/alert_book.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace greenroom::runtime::monitoring {

std::string_view name_of(alert_state what) {
  switch (what) {
    case alert_state::pending: return "pending";
    case alert_state::firing: return "firing";
    case alert_state::resolved: return "resolved";
  }
  return "unknown";
}

alert_book::alert_book(std::string subject, std::vector<alert_rule> rules, std::size_t history_max,
                       double absent_s)
    : subject_(std::move(subject)), history_max_(history_max), absent_s_(absent_s) {
  for (auto& rule : rules) entries_.push_back({std::move(rule), {}, {}, {}});
}

void alert_book::adopt(std::vector<alert_rule> rules) {
  assert(rules.size() == entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i].rule = std::move(rules[i]);
}

alert_book::entry& alert_book::named(std::string_view rule) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const entry& each) {
    return each.rule.name == rule && !each.rule.what;
  });
  assert(found != entries_.end());
  return *found;
}

void alert_book::fire(entry& each, std::vector<alert_change>& changes) {
  each.live->state = alert_state::firing;
  each.live->firing_since_s = now_s_;
  changes.push_back({*each.live});
}

void alert_book::resolve(entry& each, std::vector<alert_change>& changes) {
  each.live->state = alert_state::resolved;
  each.live->resolved_at_s = now_s_;
  changes.push_back({*each.live});
  history_.push_front(*each.live);
  if (history_.size() > history_max_) history_.pop_back();
  each.live.reset();
  each.clearing_since_s.reset();
  each.absent_since_s.reset();
}

void alert_book::step(entry& each, std::optional<double> value,
                      std::vector<alert_change>& changes) {
  auto& live = each.live;
  if (!value) {
    if (!live) return;
    if (!each.absent_since_s) each.absent_since_s = now_s_;
    if (now_s_ - *each.absent_since_s < absent_s_) return;
    if (live->state == alert_state::firing) {
      resolve(each, changes);
    } else {
      live.reset();
      each.absent_since_s.reset();
    }
    return;
  }
  each.absent_since_s.reset();
  const bool breached = each.rule.breached(*value);
  if (!live) {
    if (!breached) return;
    live.emplace();
    live->id = next_id_++;
    live->rule = each.rule.name;
    live->level = each.rule.level;
    live->subject = subject_;
    live->threshold = each.rule.threshold;
    live->text = each.rule.text;
    live->worst = *value;
    live->pending_since_s = now_s_;
  }
  live->value = *value;
  live->worst =
      each.rule.when == side::above ? std::max(live->worst, *value) : std::min(live->worst, *value);
  if (live->state == alert_state::pending) {
    if (!breached) {
      live.reset();
    } else if (now_s_ - live->pending_since_s >= each.rule.hold_s) {
      fire(each, changes);
    }
    return;
  }
  if (!each.rule.clear(*value)) {
    each.clearing_since_s.reset();
    return;
  }
  if (!each.clearing_since_s) each.clearing_since_s = now_s_;
  if (now_s_ - *each.clearing_since_s >= each.rule.keep_s) resolve(each, changes);
}

std::vector<alert_change> alert_book::observe(const pool_sample& sample) {
  now_s_ = std::max(now_s_, sample.at_s);
  std::vector<alert_change> changes;
  for (auto& each : entries_) {
    if (!each.rule.what) {
      if (each.live && now_s_ - *each.clearing_since_s >= each.rule.keep_s) resolve(each, changes);
      continue;
    }
    auto value = value_of(sample, *each.rule.what);
    if (sample.tasks < each.rule.tasks_min) value.reset();
    step(each, value, changes);
  }
  return changes;
}

std::vector<alert_change> alert_book::raise(std::string_view rule, std::string text, double now_s) {
  now_s_ = std::max(now_s_, now_s);
  std::vector<alert_change> changes;
  auto& each = named(rule);
  each.clearing_since_s = now_s_;
  if (each.live) {
    each.live->text = std::move(text);
    ++each.live->events;
    return changes;
  }
  each.live.emplace();
  each.live->id = next_id_++;
  each.live->rule = each.rule.name;
  each.live->level = each.rule.level;
  each.live->subject = subject_;
  each.live->text = std::move(text);
  each.live->events = 1;
  each.live->pending_since_s = now_s_;
  fire(each, changes);
  return changes;
}

std::vector<alert_change> alert_book::settle(std::string_view rule, double now_s) {
  now_s_ = std::max(now_s_, now_s);
  std::vector<alert_change> changes;
  auto& each = named(rule);
  if (each.live) resolve(each, changes);
  return changes;
}

std::vector<alert> alert_book::firing() const {
  std::vector<alert> out;
  for (const auto& each : entries_) {
    if (each.live && each.live->state == alert_state::firing) out.push_back(*each.live);
  }
  std::stable_sort(out.begin(), out.end(), [](const alert& a, const alert& b) {
    if (a.level != b.level) return a.level > b.level;
    return a.firing_since_s < b.firing_since_s;
  });
  return out;
}

std::vector<alert> alert_book::pending() const {
  std::vector<alert> out;
  for (const auto& each : entries_) {
    if (each.live && each.live->state == alert_state::pending) out.push_back(*each.live);
  }
  return out;
}

std::vector<alert> alert_book::history() const { return {history_.begin(), history_.end()}; }

}  // namespace greenroom::runtime::monitoring
