#include "actors/monitoring/monitor.hpp"

#include "actors/state/rollout_settings.hpp"
#include "actors/state/text.hpp"
#include "actors/state/units.hpp"
#include "runtime/monitoring/health_score.hpp"
#include "runtime/monitoring/response_ratio.hpp"
#include "runtime/rollout/deployment_report.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace greenroom::actors {

using protocols::pool_kind;
using runtime::monitoring::alert_changes, runtime::monitoring::pool_sample;
using runtime::rollout::mode;

namespace {

constexpr double sampling_window_min_s = 60;
constexpr std::chrono::seconds stuck_period{1};
constexpr double standstill_s = 5;  // No load makes a tick that late.

}  // namespace

void monitor_state::open(alert_post deliver) {
  post_ = std::move(deliver);
  interval_s_ = seconds_of(parts->catalogs.now().config.health_interval);
  const auto window_s = std::max(4 * interval_s_, sampling_window_min_s);
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline}) {
    samplers_.emplace_back(parts->sampling, kind, window_s);
    stuck_tasks_.emplace_back(stuck_task_parts{parts->clock, parts->catalogs, parts->pools,
                                               parts->events, parts->forecast},
                              kind);
  }
  served_.emplace("node", rules_now());
  intelligent_.emplace("pool:intelligent", rules_now());
  event_alerts_.emplace(event_alert_parts{parts->events, parts->journal, parts->board});
  specialist_alerts_.emplace(
      specialist_alert_parts{parts->clock, parts->catalogs, parts->pools, parts->routes});
  auto counts = count_specialists(parts->evidence);
  parts->board.write([&](status_board::content& board) {
    // A replacement continues where its predecessor was.
    if (board.evidence_counts.empty()) board.evidence_counts = std::move(counts);
  });
  look();
  arm_look();
  arm_stuck();
}

std::vector<runtime::monitoring::alert_rule> monitor_state::rules_now() const {
  constexpr double interval_min_s = 0.001;
  return runtime::monitoring::default_alert_rules(
      std::max(seconds_of(parts->catalogs.now().config.health_interval), interval_min_s));
}

void monitor_state::on_settings_changed() {
  const auto now_s = seconds_of(parts->catalogs.now().config.health_interval);
  if (std::exchange(interval_s_, now_s) == now_s) return;
  served_->adopt(rules_now());
  intelligent_->adopt(rules_now());
  look();
  arm_look();
}

void monitor_state::tell(const alert_changes& changes) {
  for (const auto& [now] : changes) {
    const auto json = runtime::rollout::alert_json(now);
    parts->events.publish(
        now.state == runtime::monitoring::alert_state::firing ? "alert.firing" : "alert.resolved",
        json);
    if (!post_) continue;
    for (const auto& url : parts->catalogs.now().config.alerts.webhooks) post_(url, json);
  }
}

// -- pauses and stuck tasks ---------------------------------------------------

bool monitor_state::notice_pause(double now_s) {
  const auto before_s = std::exchange(ticked_s_, now_s);
  const auto late_s = now_s - before_s - seconds_of(stuck_period);
  if (before_s <= 0 || late_s < standstill_s) return false;
  for (auto& one : samplers_) one.forget();
  for (auto& one : stuck_tasks_) one.forget();
  unjudged_ = true;
  paused_s_ = now_s;
  parts->board.write([&](status_board::content& board) { board.checked_at_s = now_s; });
  parts->events.publish("node.paused",
                        json_object{{"for_ms", static_cast<std::int64_t>(late_s * 1e3)}});
  return true;
}

void monitor_state::look_for_stuck_tasks() {
  const auto now = now_s();
  if (notice_pause(now)) return;
  alert_changes changes;
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline}) {
    if (!parts->pools.of(kind).open) continue;
    const auto found = stuck_tasks_[index_of(kind)].look(now);
    for (const auto& text : found.alerts)
      append(changes, served_->raise(runtime::monitoring::task_stuck, text, now));
    if (found.any) self->send(root, protocols::reconcile_slots{});
  }
  if (changes.empty()) return;
  parts->board.write([&](status_board::content& board) {
    for (const auto& [one] : changes) board.firing.push_back(one);
  });
  tell(changes);
}

// -- samples and alerts -------------------------------------------------------

std::array<pool_sample, 2> monitor_state::sample_pools(double now_s) {
  using namespace runtime::monitoring;
  std::array<pool_sample, 2> samples{samplers_[0].take(now_s), samplers_[1].take(now_s)};
  auto& intelligent = samples[index_of(pool_kind::intelligent)];
  auto& baseline = samples[index_of(pool_kind::baseline)];
  if (parts->pools.of(pool_kind::baseline).open) {
    intelligent.plain_response_ratio =
        plain_ratio(intelligent.response_mean_ms, baseline.response_mean_ms);
    intelligent.response_ratio =
        counted_ratio(intelligent.response_mean_ms, baseline.response_mean_ms,
                      slack_of(parts->catalogs.now().config));
  }
  // The baseline pool keeps every specialist warm on purpose.
  baseline.memory_efficiency.reset();
  for (auto& one : samples) one.health = health_score(one).score;
  return samples;
}

alert_changes monitor_state::observe_intelligent(const pool_sample& sample) {
  const auto rules = parts->routes.now().routes;
  if (rules == mode::shadow || rules == mode::hybrid) return intelligent_->observe(sample);
  if (!intelligent_->firing().empty() || !intelligent_->pending().empty())
    intelligent_.emplace("pool:intelligent", rules_now());
  return {};
}

void monitor_state::look() {
  const auto now = now_s();
  if (notice_pause(now)) return;
  // Tasks that end right after a pause ran through it.
  if (unjudged_) {
    const auto interval = seconds_of(parts->catalogs.now().config.health_interval);
    if (now < paused_s_ + interval / 2) return;
    unjudged_ = false;
    for (auto& one : samplers_) one.forget();
  }
  const auto samples = sample_pools(now);
  auto all = served_sample(parts->sampling, samples);
  const auto health = runtime::monitoring::health_score(all);
  all.health = health.score;
  all.pool = "node";
  parts->samples.write([&](runtime::monitoring::sample_history& kept) { kept.add(all); });

  auto changes = served_->observe(all);
  append(changes, observe_intelligent(samples[index_of(pool_kind::intelligent)]));
  append(changes, event_alerts_->look(*served_, now));
  append(changes, specialist_alerts_->look(*served_, now));
  const auto page = evidence_of(samples, now);
  const auto number = parts->board.write([&](status_board::content& board) {
    board.samples = samples;
    board.served = all;
    board.health = health;
    board.firing = served_->firing();
    board.pending = served_->pending();
    board.history = served_->history();
    // Empty unless the other pool answers callers, too.
    for (auto& one : intelligent_->firing()) board.firing.push_back(std::move(one));
    board.checked_at_s = now;
    // With the alerts, so that a rollback that sees an alert also sees what caused it.
    board.evidence.merge(page);
    return board.evidence_page++;
  });
  record_aside(evidence_record(number), page.encode());
  tell(changes);
}

runtime::rollout::evidence_recorder monitor_state::evidence_of(
    const std::array<pool_sample, 2>& samples, double now_s) {
  runtime::rollout::evidence_recorder page;
  page.add("pool:intelligent", samples[index_of(pool_kind::intelligent)]);
  if (parts->pools.of(pool_kind::baseline).open)
    page.add("pool:baseline", samples[index_of(pool_kind::baseline)]);
  record_fresh(parts->evidence, now_s, page, keep_counts::yes);
  return page;
}

// -- behaviour ----------------------------------------------------------------

void monitor_state::arm_look() {
  const auto wait = parts->catalogs.now().config.health_interval;
  self->delayed_send(self, wait, look_atom::value, ++generation_);
}

void monitor_state::arm_stuck() { self->delayed_send(self, stuck_period, stuck_atom::value); }

void monitor_state::on_look(std::uint64_t number) {
  if (number != generation_) return;
  look();
  arm_look();
}

void monitor_state::on_stuck() {
  look_for_stuck_tasks();
  arm_stuck();
}

monitor_self::behavior_type monitor(monitor_self::stateful_pointer<monitor_state> self,
                                    const monitor_parts& parts, protocols::root_actor root,
                                    alert_post post) {
  auto& state = open_journaled(self, parts, std::move(root));
  state.open(std::move(post));
  return {
      [&state](look_atom, std::uint64_t number) { state.on_look(number); },
      [&state](stuck_atom) { state.on_stuck(); },
      [&state](protocols::settings_changed) { state.on_settings_changed(); },
  };
}

}  // namespace greenroom::actors
