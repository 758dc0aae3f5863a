#include "actors/monitor.hpp"

#include "actors/text.hpp"
#include "runtime/monitoring/health_score.hpp"
#include "runtime/monitoring/node_status.hpp"
#include "runtime/rollout/json_fields.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using machine::task_outcome;
using protocols::pool_kind;
using runtime::monitoring::alert, runtime::monitoring::alert_book, runtime::monitoring::metric;
using runtime::monitoring::pool_sample;
using runtime::rollout::mode;

namespace {

constexpr double window_min_s = 60;

double seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>{duration}.count();
}

std::uint64_t value(const machine::counter& of) { return of.load(std::memory_order_relaxed); }

}  // namespace

std::optional<double> response_ratio(std::optional<double> mean_ms,
                                     std::optional<double> baseline_mean_ms) {
  if (!mean_ms || !baseline_mean_ms || *baseline_mean_ms <= 0) return std::nullopt;
  if (*mean_ms - *baseline_mean_ms < response_slack_ms)
    return std::min(1.0, *mean_ms / *baseline_mean_ms);
  return *mean_ms / *baseline_mean_ms;
}

std::string alert_json(const alert& one) {
  using runtime::monitoring::rfc3339;
  const auto when = [](double at_s) {
    return at_s > 0 ? json_text(rfc3339(at_s)) : std::string{"null"};
  };
  return "{\"id\":" + std::to_string(one.id) + ",\"name\":" + json_text(one.rule)
         + ",\"severity\":" + json_text(runtime::monitoring::name_of(one.level))
         + ",\"subject\":" + json_text(one.subject)
         + ",\"state\":" + json_text(runtime::monitoring::name_of(one.state))
         + ",\"value\":" + runtime::rollout::json_text(one.value)
         + ",\"worst\":" + runtime::rollout::json_text(one.worst) + ",\"threshold\":"
         + runtime::rollout::json_text(one.threshold) + ",\"text\":" + json_text(one.text)
         + ",\"pending_since\":" + when(one.pending_since_s) + ",\"firing_since\":"
         + when(one.firing_since_s) + ",\"resolved_at\":" + when(one.resolved_at_s) + "}";
}

void monitor_state::open() {
  const auto interval = std::max(seconds(where->now_playing().config.health_interval), 0.001);
  const auto window = std::max(4 * interval, window_min_s);
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
    samplers.emplace_back(*where, kind, window);
  const auto rules = runtime::monitoring::default_alert_rules(interval);
  served.emplace("node", rules);
  intelligent.emplace("pool:intelligent", rules);
  for (auto& one : before) one.resize(where->now_playing().members.size());
}

void monitor_state::tell(const std::vector<runtime::monitoring::alert_change>& changes) {
  for (const auto& [now] : changes) {
    const auto json = alert_json(now);
    where->publish(
        now.state == runtime::monitoring::alert_state::firing ? "alert.firing" : "alert.resolved",
        json);
    if (!post) continue;
    for (const auto& url : where->now_playing().config.alerts.webhooks) post(url, json);
  }
}

// Rates by specialist, from what its counters grew by since the last look.
void monitor_state::record_specialists(double now_s) {
  const auto& playing = where->now_playing();
  struct row {
    std::uint32_t who;
    metric what;
    double value;
  };
  std::vector<row> rows;
  for (std::size_t kind = 0; kind < pools; ++kind) {
    // One specialist has one series, of the pool that is on trial.
    const bool on_trial = kind == static_cast<std::size_t>(pool_kind::intelligent);
    before[kind].resize(playing.members.size());
    for (std::uint32_t i = 0; i < playing.members.size(); ++i) {
      const auto& stand = *where->pool(static_cast<pool_kind>(kind)).specialists[i];
      past now;
      for (std::size_t e = 0; e < now.ends.size(); ++e)
        now.ends[e] = value(stand.gauge.ends[e]) + value(stand.mirror_ends[e]);
      now.cold_starts = value(stand.gauge.cold_starts);
      now.warm_hits = value(stand.gauge.warm_hits);
      const auto old = std::exchange(before[kind][i], now);
      if (!on_trial) continue;
      std::uint64_t tasks = 0;
      for (std::size_t e = 0; e < now.ends.size(); ++e) tasks += now.ends[e] - old.ends[e];
      const auto grown = [&](task_outcome which) {
        const auto e = static_cast<std::size_t>(which);
        return now.ends[e] - old.ends[e];
      };
      if (tasks > 0)
        rows.push_back(
            {i, metric::error_rate,
             static_cast<double>(grown(task_outcome::failed) + grown(task_outcome::timeout)
                                 + grown(task_outcome::unknown))
                 / static_cast<double>(tasks)});
      const auto arrivals = now.cold_starts - old.cold_starts + now.warm_hits - old.warm_hits;
      if (arrivals > 0)
        rows.push_back({i, metric::cold_start_rate,
                        static_cast<double>(now.cold_starts - old.cold_starts)
                            / static_cast<double>(arrivals)});
      const auto depth = stand.gauge.depth();
      if (tasks > 0 || depth > 0)
        rows.push_back({i, metric::queue_depth, static_cast<double>(depth)});
      if (const auto run = stand.gauge.run_ns.load(std::memory_order_relaxed); tasks > 0 && run > 0)
        rows.push_back({i, metric::response_mean_ms, static_cast<double>(run) * 1e-6});
    }
  }
  // Events that may explain a change: what was done, and what broke.
  const auto fresh = where->events.after(events_seen);
  if (!fresh.empty()) events_seen = fresh.back().number;
  where->board.write([&](watch_board::content& board) {
    for (const auto& one : rows)
      static_cast<void>(board.evidence.add(playing.name_of(one.who), one.what, one.value, now_s));
    for (const auto& one : fresh) {
      if (one.kind.starts_with("specialist.") || one.kind.starts_with("task.")
          || one.kind.starts_with("alert."))
        continue;
      runtime::rollout::recorded_event event;
      event.at_s = static_cast<double>(one.unix_ms) * 1e-3;
      event.kind = one.kind;
      constexpr std::string_view marker = "\"specialist\":\"";
      if (const auto at = one.json.find(marker); at != std::string::npos)
        event.subject = one.json.substr(
            at + marker.size(), one.json.find('"', at + marker.size()) - at - marker.size());
      event.text = one.json;
      board.evidence.add(std::move(event));
    }
  });
}

void monitor_state::look() {
  const auto now_s = where->unix_s(self->clock().now().time_since_epoch().count());
  std::array<pool_sample, 2> samples{samplers[0].take(now_s), samplers[1].take(now_s)};
  constexpr auto smart = static_cast<std::size_t>(pool_kind::intelligent);
  constexpr auto plain = static_cast<std::size_t>(pool_kind::baseline);
  if (where->pool(pool_kind::baseline).open)
    samples[smart].response_ratio =
        response_ratio(samples[smart].response_mean_ms, samples[plain].response_mean_ms);
  // The baseline keeps everybody warm on purpose; it is not to be blamed for that.
  samples[plain].memory_efficiency.reset();
  for (auto& one : samples) one.health = runtime::monitoring::health_score(one).score;
  auto all = served_sample(*where, samples);
  const auto health = runtime::monitoring::health_score(all);
  all.health = health.score;
  all.pool = "node";

  auto changes = served->observe(all);
  const auto rules = where->routes.now().routes;
  const bool beside = rules == mode::shadow || rules == mode::hybrid;
  if (beside) {
    const auto more = intelligent->observe(samples[smart]);
    changes.insert(changes.end(), more.begin(), more.end());
  } else if (!intelligent->firing().empty() || !intelligent->pending().empty()) {
    intelligent.emplace("pool:intelligent",
                        runtime::monitoring::default_alert_rules(
                            std::max(seconds(where->now_playing().config.health_interval), 0.001)));
  }
  // A rollback is an alert of its own from its beginning until it is verified.
  const auto rollback = where->board.read([](const watch_board::content& board) {
    if (board.rollbacks.empty()) return std::pair{false, std::string{}};
    const auto& last = board.rollbacks.back().plan;
    using runtime::rollout::rollback_state;
    return std::pair{!last.finished() || last.state() == rollback_state::unverified,
                     std::string{name_of(last.cause())} + ": " + last.reason()};
  });
  if (rollback.first && !std::exchange(rollback_standing, true)) {
    const auto more =
        served->raise(runtime::monitoring::rollback_triggered, rollback.second, now_s);
    changes.insert(changes.end(), more.begin(), more.end());
  } else if (!rollback.first && std::exchange(rollback_standing, false)) {
    const auto more = served->settle(runtime::monitoring::rollback_triggered, now_s);
    changes.insert(changes.end(), more.begin(), more.end());
  }
  where->board.write([&](watch_board::content& board) {
    board.samples = samples;
    board.served = all;
    board.health = health;
    board.firing = served->firing();
    board.pending = served->pending();
    board.history = served->history();
    if (beside)
      for (auto& one : intelligent->firing()) board.firing.push_back(std::move(one));
    board.checked_at_s = now_s;
    board.evidence.add("pool:intelligent", samples[smart]);
    if (where->pool(pool_kind::baseline).open) board.evidence.add("pool:baseline", samples[plain]);
  });
  record_specialists(now_s);
  tell(changes);
}

caf::behavior monitor(monitor_actor* self, house* where, alert_post post) {
  auto& state = self->state;
  state.self = self;
  state.where = where;
  state.post = std::move(post);
  self->set_default_handler(caf::drop);
  state.open();
  const auto again = [&state] {
    const auto wait = state.where->now_playing().config.health_interval;
    state.self->delayed_send(state.self, wait, protocols::tick_atom::value, ++state.generation);
  };
  state.look();
  again();
  return {
      [&state, again](protocols::tick_atom, std::uint64_t generation) {
        if (generation != state.generation) return;
        state.look();
        again();
      },
      [&state](protocols::check_atom) { state.look(); },
  };
}

}  // namespace greenroom::actors
