#include "actors/monitor.hpp"

#include "actors/evidence.hpp"
#include "actors/house.hpp"
#include "actors/rollout_settings.hpp"
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

}  // namespace

void monitor_state::open() {
  const auto window =
      std::max(4 * seconds_of(where->now_playing().config.health_interval), sampling_window_min_s);
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
    samplers.emplace_back(*where, kind, window);
  served.emplace("node", rules_now());
  intelligent.emplace("pool:intelligent", rules_now());
  // One that an earlier life of the node has finished is nobody's alert any more.
  rollback_told = where->board.read([](const watch_board::content& board) {
    if (board.rollbacks.empty()) return std::uint64_t{0};
    const auto& last = board.rollbacks.back().plan;
    const bool stands =
        !last.finished() || last.state() == runtime::rollout::rollback_state::unverified;
    return stands ? std::uint64_t{0} : last.id();
  });
  if (const auto before = where->events.after(0); !before.empty())
    events_seen = before.back().number;
  auto counts = count_specialists(*where);
  where->board.write([&](watch_board::content& board) {
    // A replacement goes on where its predecessor was.
    if (board.evidence_counts.empty()) board.evidence_counts = std::move(counts);
  });
}

std::vector<runtime::monitoring::alert_rule> monitor_state::rules_now() const {
  constexpr double interval_min_s = 0.001;
  return runtime::monitoring::default_alert_rules(
      std::max(seconds_of(where->now_playing().config.health_interval), interval_min_s));
}

void monitor_state::tell(const std::vector<runtime::monitoring::alert_change>& changes) {
  for (const auto& [now] : changes) {
    const auto json = runtime::rollout::alert_json(now);
    where->publish(
        now.state == runtime::monitoring::alert_state::firing ? "alert.firing" : "alert.resolved",
        json);
    if (!post) continue;
    for (const auto& url : where->now_playing().config.alerts.webhooks) post(url, json);
  }
}

// A rollback is an alert of its own from its beginning until it is verified, and at least from one
// look to the next: most are over before anybody looks.
void monitor_state::rollback_alert(double now_s,
                                   std::vector<runtime::monitoring::alert_change>& changes) {
  using runtime::rollout::rollback_state;
  const auto last = where->board.read([](const watch_board::content& board) {
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
  for (const auto& one : where->events.after(events_seen)) {
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
      where->journal_troubles.read([](const house::journal_state& state) { return state; });
  if (std::exchange(damages_told, journal.news) == journal.news) return;
  const auto more = served->raise(journal_damaged, journal.damage, now_s);
  changes.insert(changes.end(), more.begin(), more.end());
}

void monitor_state::look() {
  const auto now = now_s();
  std::array<pool_sample, 2> samples{samplers[0].take(now), samplers[1].take(now)};
  const bool both = where->pool(pool_kind::baseline).open;
  if (both) {
    using namespace runtime::monitoring;
    const auto usual_ms = samples[plain].response_mean_ms;
    samples[smart].plain_response_ratio = plain_ratio(samples[smart].response_mean_ms, usual_ms);
    samples[smart].response_ratio = counted_ratio(samples[smart].response_mean_ms, usual_ms,
                                                  slack_of(where->now_playing().config));
  }
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
    intelligent.emplace("pool:intelligent", rules_now());
  }
  rollback_alert(now, changes);
  event_alerts(now, changes);

  runtime::rollout::evidence_recorder page;
  page.add("pool:intelligent", samples[smart]);
  if (both) page.add("pool:baseline", samples[plain]);
  record_fresh(*where, now, page, keep_counts::yes);
  const auto number = where->board.write([&](watch_board::content& board) {
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

caf::behavior monitor(monitor_actor* self, house* where, caf::actor root, alert_post post) {
  auto& state = attend(self, where, std::move(root));
  state.post = std::move(post);
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
