#include "actors/monitoring/monitor.hpp"

#include "actors/monitoring/evidence.hpp"
#include "actors/state/rollout_settings.hpp"
#include "actors/state/text.hpp"
#include "actors/state/units.hpp"
#include "runtime/monitoring/health_score.hpp"
#include "runtime/monitoring/response_ratio.hpp"
#include "runtime/rollout/deployment_report.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::pool_kind;
using runtime::monitoring::pool_sample;
using runtime::rollout::mode;

namespace {

constexpr double sampling_window_min_s = 60;
constexpr std::chrono::seconds watch_period{1};
constexpr double standstill_s = 5;  // No load makes a tick that late.

}  // namespace

void monitor_state::open() {
  const auto window =
      std::max(4 * seconds_of(parts->catalogs.now().config.health_interval), sampling_window_min_s);
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
    samplers.emplace_back(parts->sampling, kind, window);
  interval_s = seconds_of(parts->catalogs.now().config.health_interval);
  served.emplace("node", rules_now());
  intelligent.emplace("pool:intelligent", rules_now());
  // One that an earlier life of the node has finished is nobody's alert any more.
  rollback_told = parts->board.read([](const status_board::content& board) {
    if (board.rollbacks.empty()) return std::uint64_t{0};
    const auto& last = board.rollbacks.back().plan;
    const bool stands =
        !last.finished() || last.state() == runtime::rollout::rollback_state::unverified;
    return stands ? std::uint64_t{0} : last.id();
  });
  if (const auto before = parts->events.after(0); !before.empty())
    events_seen = before.back().number;
  auto counts = count_specialists(parts->evidence);
  parts->board.write([&](status_board::content& board) {
    // A replacement goes on where its predecessor was.
    if (board.evidence_counts.empty()) board.evidence_counts = std::move(counts);
  });
}

std::vector<runtime::monitoring::alert_rule> monitor_state::rules_now() const {
  constexpr double interval_min_s = 0.001;
  return runtime::monitoring::default_alert_rules(
      std::max(seconds_of(parts->catalogs.now().config.health_interval), interval_min_s));
}

bool monitor_state::adopt_interval() {
  const auto now_s = seconds_of(parts->catalogs.now().config.health_interval);
  if (std::exchange(interval_s, now_s) == now_s) return false;
  served->adopt(rules_now());
  intelligent->adopt(rules_now());
  return true;
}

void monitor_state::tell(const std::vector<runtime::monitoring::alert_change>& changes) {
  for (const auto& [now] : changes) {
    const auto json = runtime::rollout::alert_json(now);
    parts->events.publish(
        now.state == runtime::monitoring::alert_state::firing ? "alert.firing" : "alert.resolved",
        json);
    if (!post) continue;
    for (const auto& url : parts->catalogs.now().config.alerts.webhooks) post(url, json);
  }
}

// A rollback is an alert of its own from its beginning until it is verified, and at least from one
// look to the next: most are over before anybody looks.
void monitor_state::rollback_alert(double now_s,
                                   std::vector<runtime::monitoring::alert_change>& changes) {
  using runtime::rollout::rollback_state;
  const auto last = parts->board.read([](const status_board::content& board) {
    return board.rollbacks.empty() ? std::optional<runtime::rollout::rollback_plan>{}
                                   : board.rollbacks.back().plan;
  });
  if (!last) return;
  const auto add = [&](const std::vector<runtime::monitoring::alert_change>& more) {
    changes.insert(changes.end(), more.begin(), more.end());
  };
  if (last->id() != std::exchange(rollback_told, last->id())) {
    rollback_standing = true;
    add(served->raise(runtime::monitoring::rollback_triggered,
                      std::string{name_of(last->cause())} + ": " + last->reason(), now_s));
  } else if (rollback_standing && last->finished() && last->state() != rollback_state::unverified) {
    rollback_standing = false;
    add(served->settle(runtime::monitoring::rollback_triggered, now_s));
  }
}

void monitor_state::event_alerts(double now_s,
                                 std::vector<runtime::monitoring::alert_change>& changes) {
  using namespace runtime::monitoring;
  for (const auto& one : parts->events.after(events_seen)) {
    events_seen = one.number;
    std::vector<alert_change> more;
    if (one.kind == "workflow.detected")
      more = served->raise(workflow_detected, member_text(one.json, "workflow"), now_s);
    else if (one.kind == "tuning.adjusted")
      more = served->raise(self_tuning_adjustment,
                           "warm threshold " + member_text(one.json, "threshold") + ", "
                               + member_text(one.json, "slots") + " slots",
                           now_s);
    changes.insert(changes.end(), more.begin(), more.end());
  }
  // Most of it is found before there is a monitor.
  const auto journal =
      parts->journal.troubles.read([](const journal_inbox::trouble& state) { return state; });
  if (std::exchange(damages_told, journal.changes) == journal.changes) return;
  const auto more = served->raise(journal_damaged, journal.damage, now_s);
  changes.insert(changes.end(), more.begin(), more.end());
}

bool monitor_state::notice_pause(double now_s) {
  const auto before_s = std::exchange(ticked_s, now_s);
  const auto late_s = now_s - before_s - seconds_of(watch_period);
  if (before_s <= 0 || late_s < standstill_s) return false;
  for (auto& one : samplers) one.forget();
  for (auto& one : slots) one.forget();
  unjudged = true;
  paused_s = now_s;
  parts->board.write([&](status_board::content& board) { board.checked_at_s = now_s; });
  parts->events.publish("node.paused",
                        json_object{{"for_ms", static_cast<std::int64_t>(late_s * 1e3)}});
  return true;
}

void monitor_state::watch_pool(pool_kind kind, double now_s,
                               std::vector<runtime::monitoring::alert_change>& changes) {
  const auto at = static_cast<std::size_t>(kind);
  auto& pool = parts->pools.of(kind);
  const auto& cast = parts->catalogs.now();
  const auto steady_ns = parts->clock.now_ns();
  std::vector<runtime::monitoring::slot_view> all(cast.members.size());
  for (std::uint32_t who = 0; who < all.size(); ++who) {
    const auto& member = cast.members[who];
    const auto& record = pool.specialists[who];
    auto& view = all[who];
    view.department = member.department;
    if (member.gone) continue;
    const auto since_ns = record.slot_wanted_since_ns.load(std::memory_order_relaxed);
    if (since_ns > 0) view.waiting_s = static_cast<double>(steady_ns - since_ns) * 1e-9;
    const auto state = record.gauge.state.load(std::memory_order_relaxed);
    const bool counts =
        !member.config.pin && member.config.backend.kind != config::backend_kind::function;
    view.up = counts && state != worker_state::cold && state != worker_state::failed;
    view.idle = view.up && state == worker_state::warm && record.gauge.depth() == 0;
    const auto bytes = record.gauge.memory_seen_bytes.load(std::memory_order_relaxed);
    view.memory_mb =
        bytes > 0 ? static_cast<double>(bytes) / bytes_per_mb : member.config.memory_mb;
    view.start_s =
        static_cast<double>(record.gauge.start_ns.load(std::memory_order_relaxed)) * 1e-9;
  }
  const auto& from = cast.config.pool;
  const auto believed =
      parts->forecast.read([](const forecast_board::content& board) { return board.policy.slots; });
  auto limits = runtime::monitoring::slot_watch_limits{
      .slots = from.max_warm,
      .memory_budget_mb = from.memory_budget_mb,
      .min_residency_s = seconds_of(from.min_residency.value_or(std::chrono::seconds{2}))};
  if (kind == pool_kind::baseline)
    limits.slots = all.size();
  else if (believed > 0)
    limits.slots = std::min(limits.slots, believed);  // It may have given some up.
  std::vector<std::uint32_t> found;
  for (const auto who : slots[at].look(all, limits, now_s))
    found.push_back(static_cast<std::uint32_t>(who));
  for (const auto who : found) {
    if (std::ranges::find(stuck[at], who) != stuck[at].end()) continue;
    machine::count(pool.stuck);
    const auto& called = cast.members[who].config.name;
    const auto waited = std::to_string(static_cast<std::int64_t>(all[who].waiting_s * 1e3));
    parts->events.publish(
        "task.stuck", json_object{{"specialist", called}, {"pool", protocols::to_string(kind)}}.raw(
                          "waited_ms", waited));
    auto text = called;
    text += " has waited for a slot for ";
    text += waited;
    text += " ms while one is idle; it was asked for again";
    const auto more = served->raise(runtime::monitoring::task_stuck, std::move(text), now_s);
    changes.insert(changes.end(), more.begin(), more.end());
  }
  pool.stuck_now.store(found.size(), std::memory_order_relaxed);
  // Whoever has forgotten something is told again by the others.
  if (!found.empty()) self->send(root, protocols::again_atom::value);
  stuck[at] = std::move(found);
}

void monitor_state::watch() {
  const auto now = now_s();
  if (notice_pause(now)) return;
  std::vector<runtime::monitoring::alert_change> changes;
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
    if (parts->pools.of(kind).open) watch_pool(kind, now, changes);
  if (changes.empty()) return;
  parts->board.write([&](status_board::content& board) {
    for (const auto& [one] : changes) board.firing.push_back(one);
  });
  tell(changes);
}

void monitor_state::specialist_alerts(double now_s,
                                      std::vector<runtime::monitoring::alert_change>& changes) {
  using namespace runtime::monitoring;
  // What the alert names, by rule; nothing: the alert is over.
  std::map<std::string_view, std::string> found{{pinned_specialist_failed, {}},
                                                {important_specialist_failed, {}},
                                                {circuit_open, {}},
                                                {slow_start, {}},
                                                {fallback_route, {}}};
  constexpr std::size_t text_max = 400;
  const auto add = [&](std::string_view rule, const std::string& text) {
    auto& all = found[rule];
    if (all.size() > text_max) return;
    all += (all.empty() ? "" : ", ") + text;
    if (all.size() > text_max) all += " and more";
  };
  const auto& playing = parts->catalogs.now();
  const auto now_ns = parts->clock.now_ns();
  const auto& pool = parts->pools.of(parts->routes.main());
  for (std::uint32_t i = 0; i < playing.members.size(); ++i) {
    const auto& one = playing.members[i];
    if (one.gone) continue;
    const auto& gauge = pool.specialists[i].gauge;
    if (gauge.state.load(std::memory_order_relaxed) == worker_state::failed) {
      if (one.config.pin)
        add(pinned_specialist_failed, one.config.name);
      else if (one.config.priority == config::priority::high)
        add(important_specialist_failed, one.config.name);
    }
    if (gauge.open_until_ns.load(std::memory_order_relaxed) > now_ns) {
      add(circuit_open, one.config.name);
      if (!one.config.fallback.empty())
        add(fallback_route, one.config.name + " → " + one.config.fallback);
    }
    const auto start_ns = gauge.start_ns.load(std::memory_order_relaxed);
    const auto allowed_ns = std::chrono::nanoseconds{one.config.backend.start_timeout}.count();
    if (allowed_ns > 0 && start_ns > allowed_ns / 2)
      add(slow_start, one.config.name + " (" + std::to_string(start_ns / 1'000'000) + " of "
                          + std::to_string(allowed_ns / 1'000'000) + " ms)");
  }
  for (auto& [rule, text] : found) {
    const auto before = standing.find(rule);
    std::vector<alert_change> more;
    if (text.empty() && before != standing.end()) {
      more = served->settle(rule, now_s);
      standing.erase(before);
    } else if (!text.empty() && (before == standing.end() || before->second != text)) {
      more = served->raise(rule, text, now_s);
      standing.insert_or_assign(rule, std::move(text));
    }
    changes.insert(changes.end(), more.begin(), more.end());
  }
}

void monitor_state::look() {
  const auto now = now_s();
  if (notice_pause(now)) return;
  // What ends right after a pause ran through it.
  if (unjudged) {
    const auto interval = seconds_of(parts->catalogs.now().config.health_interval);
    if (now < paused_s + interval / 2) return;
    unjudged = false;
    for (auto& one : samplers) one.forget();
  }
  std::array<pool_sample, 2> samples{samplers[0].take(now), samplers[1].take(now)};
  const bool both = parts->pools.of(pool_kind::baseline).open;
  if (both) {
    using namespace runtime::monitoring;
    const auto usual_ms = samples[index_of(protocols::pool_kind::baseline)].response_mean_ms;
    samples[index_of(protocols::pool_kind::intelligent)].plain_response_ratio = plain_ratio(
        samples[index_of(protocols::pool_kind::intelligent)].response_mean_ms, usual_ms);
    samples[index_of(protocols::pool_kind::intelligent)].response_ratio =
        counted_ratio(samples[index_of(protocols::pool_kind::intelligent)].response_mean_ms,
                      usual_ms, slack_of(parts->catalogs.now().config));
  }
  // The baseline keeps everybody warm on purpose; it is not to be blamed for that.
  samples[index_of(protocols::pool_kind::baseline)].memory_efficiency.reset();
  for (auto& one : samples) one.health = runtime::monitoring::health_score(one).score;
  auto all = served_sample(parts->sampling, samples);
  const auto health = runtime::monitoring::health_score(all);
  all.health = health.score;
  all.pool = "node";

  parts->samples.write([&](runtime::monitoring::sample_history& kept) { kept.add(all); });
  auto changes = served->observe(all);
  const auto rules = parts->routes.now().routes;
  const bool beside = rules == mode::shadow || rules == mode::hybrid;
  if (beside) {
    const auto more = intelligent->observe(samples[index_of(protocols::pool_kind::intelligent)]);
    changes.insert(changes.end(), more.begin(), more.end());
  } else if (!intelligent->firing().empty() || !intelligent->pending().empty()) {
    intelligent.emplace("pool:intelligent", rules_now());
  }
  rollback_alert(now, changes);
  event_alerts(now, changes);
  specialist_alerts(now, changes);

  runtime::rollout::evidence_recorder page;
  page.add("pool:intelligent", samples[index_of(protocols::pool_kind::intelligent)]);
  if (both) page.add("pool:baseline", samples[index_of(protocols::pool_kind::baseline)]);
  record_fresh(parts->evidence, now, page, keep_counts::yes);
  const auto number = parts->board.write([&](status_board::content& board) {
    board.samples = samples;
    board.served = all;
    board.health = health;
    board.firing = served->firing();
    board.pending = served->pending();
    board.history = served->history();
    if (beside)
      for (auto& one : intelligent->firing()) board.firing.push_back(std::move(one));
    board.checked_at_s = now;
    board.evidence.merge(page);
    return board.evidence_page++;
  });
  record_aside(evidence_record(number), page.encode());
  tell(changes);
}

caf::behavior monitor(monitor_actor* self, const monitor_parts& parts, caf::actor root,
                      alert_post post) {
  auto& state = attend(self, parts, std::move(root));
  state.post = std::move(post);
  state.open();
  const auto again = [&state] {
    const auto wait = state.parts->catalogs.now().config.health_interval;
    state.self->delayed_send(state.self, wait, protocols::tick_atom::value, ++state.generation);
  };
  const auto watch_again = [&state] {
    state.self->delayed_send(state.self, watch_period, protocols::again_atom::value);
  };
  state.look();
  again();
  watch_again();
  return {
      [&state, again](protocols::tick_atom, std::uint64_t generation) {
        if (generation != state.generation) return;
        state.look();
        again();
      },
      [&state, watch_again](protocols::again_atom) {
        state.watch();
        watch_again();
      },
      [&state](protocols::check_atom) { state.look(); },
      [&state, again](protocols::reload_atom) {
        if (!state.adopt_interval()) return;
        state.look();
        again();
      },
  };
}

}  // namespace greenroom::actors
