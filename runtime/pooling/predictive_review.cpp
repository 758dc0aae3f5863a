// The policy's periodic review: which specialists are prewarmed and which are cooled.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>
#include <utility>

#include "runtime/pooling/predictive_policy.hpp"

namespace greenroom::runtime {
namespace {

// Longest time between two assessments of an idle specialist: the first two while the cast is
// small, the next two while sessions are under way, which may turn to any specialist. A large cast
// is assessed more slowly, at most some 50 specialists a second, but never less often than the last
// two.
constexpr double step_often_s = 60;
constexpr double step_worthless_s = 300;
constexpr double step_in_sessions_s = 20;
constexpr double step_in_sessions_worthless_s = 60;
constexpr double looked_over_slower_from = 1000;
constexpr double step_longest_s = 300;
constexpr double step_longest_worthless_s = 1800;
constexpr double worthless = 1.0 / 30;
// Each unused prewarm raises the price of the next one by this share, until a visit.
constexpr double waste_penalty = 0.05;
constexpr double tick_every_s = 15;
constexpr double visits_fade = 0.9;

}  // namespace

double predictive_policy::step_s(const member& one, const slot_state& slot, double value,
                                 double now_s) const {
  const double settle = settle_s(one);
  const double age_s = std::max(settle, now_s - one.idle_since_s());
  const double price = keep_price();
  // A specialist of negligible value can wait, unless one of its timers is about to fire.
  const bool hopeless = price > 0 && value < worthless * price;
  double longest_s = hopeless ? step_longest_worthless_s : step_longest_s;
  const bool sessions = sessions_.under_way(now_s);
  // For a slot that must be taken from another specialist, a look usually adds a start and rarely
  // avoids a cold one.
  if (sessions || !filling()) {
    const double often_s = hopeless   ? sessions ? step_in_sessions_worthless_s : step_worthless_s
                           : sessions ? step_in_sessions_s
                                      : step_often_s;
    const double slower =
        std::max(1.0, static_cast<double>(members_.size()) / looked_over_slower_from);
    longest_s = std::min(longest_s, slower * often_s);
  }
  double next_s = std::min((hopeless ? 3.0 : 1.0) * look_again_share * age_s, longest_s);
  const double lead_s = slot.state == worker_state::cold ? one.facts.load_s : 0;
  const double since_s = now_s - one.history->visit_s;
  const std::size_t known = one.history->intervals();
  for (std::size_t i = 0; i < known; ++i) {
    const double interval_s = one.history->interval_s[i];
    const double slack_s = timer_slack_s(interval_s, settle);
    for (const double edge_s : {interval_s - slack_s - lead_s, interval_s + slack_s}) {
      if (edge_s > since_s + 0.2 * settle) next_s = std::min(next_s, edge_s - since_s);
    }
  }
  if (one.announced_probability > 0) {
    next_s = std::min(next_s, one.announced_until_s - now_s + settle);
  }
  return std::max(next_s, 0.4 * settle);
}

void predictive_policy::cool(specialist_index who, reason why, double value, double now_s,
                             plan& answer) {
  member& one = members_[who];
  if (one.warm_since_s >= 0) referee_.spent(std::max(0.0, now_s - one.warm_since_s));
  if (one.prewarmed_s >= 0) {
    referee_.prewarm_waste(now_s - one.prewarmed_s);
    ++one.wastes;
  }
  one.warm_since_s = one.prewarmed_s = -1;
  answer.cool.push_back({who, why, value});
  // The due time was set for a warm specialist; a cold one has to start in time.
  if (filling() && one.history->visits > 0) {
    due_.set(who, std::min(due_.due_s(who), now_s + 0.4 * settle_s(one)));
  }
}

void predictive_policy::consider_warm(specialist_index who, const slot_state& slot, double value,
                                      double now_s, plan& answer) {
  member& one = members_[who];
  if (one.warm_since_s < 0) one.warm_since_s = now_s;  // The caller kept it warm.
  const double idle_s = now_s - idle_since(slot);
  bool keep = value >= keep_price();
  if (!has_learned()) keep = idle_s < limits_.cooldown_s;
  if (!referee_.predicting()) keep = idle_s < referee_.keep_s();
  // While slots are the only cost, cooling without need saves nothing.
  if (keep || filling()) return;
  const double free_s = slot.since_s + residency_of(facts_[who], limits_);
  if (free_s > now_s) {
    due_.set(who, std::min(due_.due_s(who), free_s));
    return;
  }
  cool(who, reason::cooldown, value, now_s, answer);
}

// Sessions' promises keep warm specialists warm, but start none: promises change with every turn of
// a session, and most starts for them alone would stay unused.
double predictive_policy::worth_starting(const member& one, double value) const {
  if (!one.signals.made()) return value;
  return std::max(0.0, value - worth(one, call_rate_mixture::promised_beside(*one.signals)));
}

void predictive_policy::consider_cold(specialist_index who, double value, double now_s,
                                      plan& answer) {
  if (!referee_.predicting()) return;  // Announcements are predictions too.
  member& one = members_[who];
  const double announced_value = worth(one, announced(one, now_s));
  const bool predicted = has_learned() && one.history->visits > 0
                         && worth_starting(one, value) >= keep_price() * options_.prewarm_factor
                                                              * (1.0 + waste_penalty * one.wastes);
  const bool promised =
      announced_value >= keep_price() * options_.prewarm_factor && announced_value > 0;
  if (!predicted && !promised) return;
  answer.warm.push_back({who, promised ? one.announced_why : reason::predicted, value});
}

void predictive_policy::reassess(specialist_index who, const slot_state& slot, double now_s,
                                 plan& answer) {
  member& one = members_[who];
  if (one.history->busy || slot.tasks > 0) return;  // Reassessed when it is idle.
  if (one.announced_probability > 0 && now_s > one.announced_until_s) {
    close_announcement(one, false);
  }
  settle_books(one, now_s, false);
  const double announced_rate = announced(one, now_s);
  double value = worth(one, estimate(who, now_s) + announced_rate);
  one.warm_below = slot.state == worker_state::cold
                       ? worth_starting(one, value) / options_.prewarm_factor
                       : value;
  // A start takes time, so the value at its completion counts. The same holds for a specialist that
  // is about to be cooled and would be started again at once.
  const bool undecided = slot.state == worker_state::cold || value < keep_price();
  if (undecided && looks_ahead(one, now_s)) {
    const double ready_s = now_s + one.facts.load_s;
    value = std::max(
        value, worth(one, mixture_.read(*one.trust, read(who, ready_s)).rate + announced_rate));
  }
  due_.set(who, one.history->visits > 0 || one.announced_probability > 0
                    ? now_s + step_s(one, slot, value, now_s)
                    : never_s);
  if (one.facts.pinned) return;
  if (slot.state == worker_state::warm) {
    consider_warm(who, slot, value, now_s, answer);
  } else if (slot.state == worker_state::cold) {
    if (one.warm_since_s >= 0 || one.prewarmed_s >= 0) {
      // The caller cooled it, or did not carry out the prewarm.
      one.warm_since_s = one.prewarmed_s = -1;
    }
    consider_cold(who, value, now_s, answer);
  }
}

// Periodic: price, adaptation, comparison of prediction with keep-alive.
void predictive_policy::tick(std::span<const slot_state> slot_states, double now_s) {
  if (ticked_s_ >= 0 && now_s - ticked_s_ < tick_every_s) return;
  ticked_s_ = now_s;
  double in_use_mb = 0;
  double busy_mb = 0;
  for (std::size_t i = 0; i < slot_states.size(); ++i) {
    if (slot_states[i].state == worker_state::cold) continue;
    in_use_mb += facts_[i].memory_mb;
    if (slot_states[i].tasks > 0) busy_mb += facts_[i].memory_mb;
  }
  const double total_mb = std::max(1e-9, memory_total_mb_);
  price_.observe(in_use_mb / total_mb, busy_mb / total_mb, total_mb, now_s);

  const double pressure = limits_.memory_budget_mb > 0 ? in_use_mb / limits_.memory_budget_mb : 0.0;
  const double hit_rate = visits_recent_ >= 20 ? 1.0 - misses_recent_ / visits_recent_ : -1.0;
  visits_recent_ *= visits_fade;
  misses_recent_ *= visits_fade;
  if (adaptation_.observe(pressure, hit_rate, now_s)) news_.push_back(policy_news::adjusted);

  scarce_ = scarce_ && now_s < scarce_until_s_;
  refresh_price();
  switch (referee_.judge(now_s)) {
    case prediction_referee::verdict::switched_off:
      news_.push_back(policy_news::prediction_off);
      break;
    case prediction_referee::verdict::tried_again:
      news_.push_back(policy_news::prediction_retried);
      break;
    case prediction_referee::verdict::none:
    case prediction_referee::verdict::kept: break;
  }
  constexpr std::size_t news_max = 64;
  if (news_.size() > news_max) news_.erase(news_.begin(), news_.end() - news_max);
}

plan predictive_policy::review(std::span<const slot_state> slot_states, double clock_s) {
  assert(slot_states.size() == members_.size());
  const double now_s = own_time(clock_s);
  fleet_.begin(now_s);
  fleet_.refresh(now_s);
  tick(slot_states, now_s);
  plan answer;
  while (due_.next_s() <= now_s) {
    const specialist_index who = due_.pop();
    reassess(who, paced(slot_states[who]), now_s, answer);
    // A due time that is not later than now would repeat this loop.
    if (due_.due_s(who) <= now_s) due_.set(who, now_s + 0.05);
  }
  const pool_limits in_force = limits_in_force();
  if (in_force.max_warm < members_.size() || in_force.memory_budget_mb > 0) {
    enforce_caps(slot_states, now_s, answer);
  }
  admit_prewarms(slot_states, now_s, answer);
  for (const specialist_index who : pins_) {
    if (slot_states[who].state == worker_state::cold)
      answer.warm.push_back({who, reason::pinned, never_s});
  }
  answer.next_review_s = pace_.clock(due_.next_s());
  return answer;
}

}  // namespace greenroom::runtime
