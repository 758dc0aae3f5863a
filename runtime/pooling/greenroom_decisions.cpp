// The policy's decisions: prewarm, cool, make room.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>
#include <utility>

#include "runtime/pooling/greenroom_policy.hpp"

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
// Below an idle time of this many load times, the intensity is read at the time when a start would
// be complete.
constexpr double ahead_loads = 10;
// Each unused prewarm raises the price of the next one by this share, until a visit.
constexpr double waste_penalty = 0.05;
// A prewarm evicts another specialist only at this many times its value.
constexpr double swap_factor = 1.7;
// Under a hard cap the long-run frequency counts by this much where it can be trusted: a popular
// specialist that is quiet returns long before one that was busy once.
constexpr double frequency_share = 0.8;
// How fast the record of foreseen starts fades, for one specialist and for all, and how many starts
// at the common share a specialist's record begins with.
constexpr float starts_fade = 0.97F;
constexpr float all_starts_fade = 0.998F;
constexpr double starts_prior = 2;
// Slots stay scarce for the price's horizon, with the cooldown capped at this.
constexpr double scarce_longest_s = 180;
constexpr double tick_every_s = 15;
constexpr double visits_fade = 0.9;

}  // namespace

double greenroom_policy::step_s(const member& one, const seat& place, double value,
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
  const double lead_s = place.state == worker_state::cold ? one.facts.load_s : 0;
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

void greenroom_policy::cool(specialist_index who, reason why, double value, double now_s,
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

void greenroom_policy::consider_warm(specialist_index who, const seat& place, double value,
                                     double now_s, plan& answer) {
  member& one = members_[who];
  if (one.warm_since_s < 0) one.warm_since_s = now_s;  // The caller kept it warm.
  const double idle_s = now_s - idle_since(place);
  bool keep = value >= keep_price();
  if (!learnt()) keep = idle_s < limits_.cooldown_s;
  if (!referee_.predicting()) keep = idle_s < referee_.keep_s();
  // While slots are the only cost, cooling without need saves nothing.
  if (keep || filling()) return;
  const double free_s = place.since_s + residency_of(facts_[who], limits_);
  if (free_s > now_s) {
    due_.set(who, std::min(due_.due_s(who), free_s));
    return;
  }
  cool(who, reason::cooldown, value, now_s, answer);
}

// Sessions' promises keep warm specialists warm, but start none: promises change with every turn of
// a session, and most starts for them alone would stay unused.
double greenroom_policy::worth_starting(const member& one, double value) const {
  if (!one.said.made()) return value;
  return std::max(0.0, value - worth(one, intensity_mixture::promised_beside(*one.said)));
}

void greenroom_policy::consider_cold(specialist_index who, double value, double now_s,
                                     plan& answer) {
  if (!referee_.predicting()) return;  // Announcements are predictions too.
  member& one = members_[who];
  const double told = worth(one, announced(one, now_s));
  const bool predicted = learnt() && one.history->visits > 0
                         && worth_starting(one, value) >= keep_price() * options_.prewarm_factor
                                                              * (1.0 + waste_penalty * one.wastes);
  const bool promised = told >= keep_price() * options_.prewarm_factor && told > 0;
  if (!predicted && !promised) return;
  answer.warm.push_back({who, promised ? one.announced_why : reason::predicted, value});
}

// Long after its last visit the intensity moves slowly, unless one of its timers is about to fire.
bool greenroom_policy::looks_ahead(const member& one, double now_s) const {
  if (one.history->visits < 2) return false;
  if (now_s - one.idle_since_s() < ahead_loads * one.facts.load_s) return true;
  const double since_s = now_s - one.history->visit_s;
  const double reach_s = one.facts.load_s + timer_slack_s(since_s, settle_s(one));
  const std::size_t known = one.history->intervals();
  for (std::size_t i = 0; i < known; ++i) {
    const double ahead_s = one.history->interval_s[i] - since_s;
    if (ahead_s >= 0 && ahead_s <= reach_s) return true;
  }
  return false;
}

void greenroom_policy::reassess(specialist_index who, const seat& place, double now_s,
                                plan& answer) {
  member& one = members_[who];
  if (one.history->busy || place.tasks > 0) return;  // Reassessed when it is idle.
  if (one.announced_probability > 0 && now_s > one.announced_until_s) {
    close_announcement(one, false);
  }
  settle_books(one, now_s, false);
  const double told = announced(one, now_s);
  double value = worth(one, estimate(who, now_s) + told);
  one.warm_below = place.state == worker_state::cold
                       ? worth_starting(one, value) / options_.prewarm_factor
                       : value;
  // A start takes time, so the value at its completion counts. The same holds for a specialist that
  // is about to be cooled and would be started again at once.
  const bool undecided = place.state == worker_state::cold || value < keep_price();
  if (undecided && looks_ahead(one, now_s)) {
    const double ready_s = now_s + one.facts.load_s;
    value = std::max(value, worth(one, mixture_.read(*one.trust, read(who, ready_s)).rate + told));
  }
  due_.set(who, one.history->visits > 0 || one.announced_probability > 0
                    ? now_s + step_s(one, place, value, now_s)
                    : never_s);
  if (one.facts.pinned) return;
  if (place.state == worker_state::warm) {
    consider_warm(who, place, value, now_s, answer);
  } else if (place.state == worker_state::cold) {
    if (one.warm_since_s >= 0 || one.prewarmed_s >= 0) {
      // The caller cooled it, or did not carry out the prewarm.
      one.warm_since_s = one.prewarmed_s = -1;
    }
    consider_cold(who, value, now_s, answer);
  }
}

void greenroom_policy::count_start(member& one, double caught) {
  one.starts.count(static_cast<float>(caught), starts_fade);
  starts_.count(static_cast<float>(caught), all_starts_fade);
}

// The share of the specialist's visits that prewarming would not catch after a cooling.
double greenroom_policy::surprise(const member& one) const {
  const auto lost_of = [](const start_counts& some, double prior, double lost) {
    return (static_cast<double>(some.lost) + prior * lost)
           / (static_cast<double>(some.lost) + static_cast<double>(some.caught) + prior);
  };
  return lost_of(one.starts, starts_prior, lost_of(starts_, 4, 0.75));
}

// The value while slots are scarce; a lower bound without `ahead`. Evicting a specialist whose
// return will be foreseen costs nothing, so the long-run frequency counts only for the share of
// visits that are not foreseen.
double greenroom_policy::worth_keeping(specialist_index who, double now_s, bool ahead) {
  member& one = members_[who];
  if (!referee_.predicting() || !learnt()) return one.facts.priority_weight;
  if (!one.saying && one.history->visits > 0) estimate(who, now_s);
  one.warm_below = worth(one, one.rate);
  double rate = one.rate;
  // A specialist that is expected again within about a start time is not evicted for a low current
  // value: a restart would only be late.
  if (ahead && looks_ahead(one, now_s)) {
    const auto rate_at = [&](double when_s) {
      return mixture_.read(*one.trust, read(who, when_s)).rate;
    };
    rate = std::max(rate, rate_at(now_s + one.facts.load_s));
    // An older estimate may predate the specialist's expected return.
    if (now_s - one.said_s > settle_s(one)) rate = std::max(rate, rate_at(now_s));
  }
  const double frequency = static_cast<double>(one.history->visits) / fleet_.observed_s(now_s);
  const double share = frequency_share * frequency_.value() * surprise(one);
  return worth(one, rate + share * frequency + announced(one, now_s));
}

// Evictable specialists except `spared`, ordered by current value; without prediction the longest
// idle comes first. Valid until the next call to the policy.
template <class Spared>
eviction_order greenroom_policy::evictable_now(std::span<const seat> seats, double now_s,
                                               Spared spared) {
  std::vector<candidate> found;
  const auto worth_of = [this, now_s, slots = limits_in_force().max_warm](specialist_index who,
                                                                          bool ahead) {
    return worth_keeping(who, now_s, ahead)
           * balance_.standing(members_[who].facts.department, slots);
  };
  for (specialist_index who = 0; who < seats.size(); ++who) {
    const seat place = paced(seats[who]);
    if (!evictable(place, facts_[who], residency_of(facts_[who], limits_), now_s) || spared(who))
      continue;
    found.push_back({who, worth_of(who, false), idle_since(place)});
  }
  return eviction_order{std::move(found),
                        [worth_of](specialist_index who) { return worth_of(who, true); }};
}

warm_policy::room greenroom_policy::make_room(specialist_index who, std::span<const seat> seats,
                                              double clock_s) {
  assert(who < members_.size() && seats.size() == members_.size());
  const double now_s = own_time(clock_s);
  member& one = members_[who];
  if (!one.missed && one.history->busy) {
    one.missed = true;
    misses_recent_ += 1.0;
    if (one.history->visits > 1) {
      referee_.missed();
      count_start(one, 0);
    }
  }
  if (one.facts.pinned || counts(seats[who], one.facts)) return {true, {}};
  const pool_limits in_force = limits_in_force();
  const occupancy now = taken(seats, facts_);
  const occupancy needed{1, one.facts.memory_mb};
  balance_.count(seats, facts_);
  const bool own_only = balance_.exhausted(one.facts.department, in_force.max_warm);
  if (!own_only && within(in_force, now, needed)) return {true, {}};
  referee_.constrained();
  if (!own_only) {
    find_slots_scarce(now_s);
    frequency_.wake(seats, facts_, [this](specialist_index other) {
      const member& known = members_[other];
      return frequency_trust::usage{known.history->busy, known.history->visits,
                                    known.idle_since_s()};
    });
  }
  fleet_.refresh(now_s);
  room answer;
  eviction_order leaving = evictable_now(seats, now_s, [&](specialist_index other) {
    // The last slot is for other departments: evict one of the same department.
    return own_only && facts_[other].department != one.facts.department;
  });
  if (own_only) {
    const auto least = leaving.next();
    if (!least) return answer;
    const occupancy without{now.slots - 1, now.memory_mb - facts_[least->who].memory_mb};
    if (within(in_force, without, needed)) {
      answer = {true, {{least->who, reason::evicted, least->worth}}};
    }
  } else {
    answer = choose_evictions(std::move(leaving), facts_, in_force, now, needed);
  }
  plan unused;
  for (const change& victim : answer.evict) {
    const double rate = members_[victim.who].rate;
    if (rate > 0) marginal_rate_ *= std::exp(0.05 * std::log(rate / marginal_rate_));
    cool(victim.who, reason::evicted, victim.score, now_s, unused);
  }
  return answer;
}

void greenroom_policy::find_slots_scarce(double now_s) {
  scarce_until_s_ =
      now_s + price_horizon_cooldowns * std::min(limits_.cooldown_s, scarce_longest_s);
  if (scarce_) return;
  scarce_ = true;
  refresh_price();
}

void greenroom_policy::enforce_caps(std::span<const seat> seats, double now_s, plan& answer) {
  const pool_limits in_force = limits_in_force();
  occupancy now = taken(seats, facts_);
  std::vector<bool> leaving(seats.size(), false);
  for (const change& one : answer.cool) {
    leaving[one.who] = true;
    --now.slots;
    now.memory_mb -= facts_[one.who].memory_mb;
  }
  if (within(in_force, now)) return;
  referee_.constrained();
  const reason why = now.slots > in_force.max_warm ? reason::evicted : reason::memory;
  eviction_order order =
      evictable_now(seats, now_s, [&](specialist_index who) { return leaving[who]; });
  while (!within(in_force, now)) {
    const auto one = order.next();
    if (!one) return;
    cool(one->who, why, one->worth, now_s, answer);
    --now.slots;
    now.memory_mb -= facts_[one->who].memory_mb;
  }
}

// Prewarms take free slots, and the slots of specialists with a clearly lower value.
void greenroom_policy::admit_prewarms(std::span<const seat> seats, double now_s, plan& answer) {
  std::vector<change> wanted = std::move(answer.warm);
  answer.warm.clear();
  if (wanted.empty()) return;
  std::sort(wanted.begin(), wanted.end(), [](const change& a, const change& b) {
    return a.score != b.score ? a.score > b.score : a.who < b.who;
  });
  const pool_limits in_force = limits_in_force();
  occupancy now = taken(seats, facts_);
  balance_.count(seats, facts_);
  for (const change& one : answer.cool) {
    --now.slots;
    now.memory_mb -= facts_[one.who].memory_mb;
    balance_.remove(facts_[one.who].department);
  }
  std::optional<eviction_order> order;
  std::optional<candidate> least;
  for (const change& one : wanted) {
    const std::uint32_t department = facts_[one.who].department;
    const occupancy needed{1, facts_[one.who].memory_mb};
    if (!balance_.may_prewarm(department, in_force.max_warm)) continue;
    if (!within(in_force, now, needed)) {
      if (!order) {
        order = evictable_now(seats, now_s, [&](specialist_index who) {
          return std::ranges::any_of(answer.cool,
                                     [who](const change& gone) { return gone.who == who; });
        });
        least = order->next();
      }
      if (!least) continue;
      const candidate other = *least;
      const occupancy without{now.slots - 1, now.memory_mb - facts_[other.who].memory_mb};
      if (one.score < swap_factor * other.worth || !within(in_force, without, needed)) {
        continue;
      }
      cool(other.who, reason::evicted, other.worth, now_s, answer);
      balance_.remove(facts_[other.who].department);
      now = without;
      least = order->next();
    }
    ++now.slots;
    now.memory_mb += needed.memory_mb;
    balance_.add(department);
    answer.warm.push_back(one);
    member& chosen = members_[one.who];
    chosen.prewarmed_s = chosen.warm_since_s = now_s;
    // Reassessed soon: the caller may not have carried out the prewarm.
    due_.set(one.who, std::min(due_.due_s(one.who), now_s + chosen.facts.load_s + 1.0));
  }
}

// Periodic: price, adaptation, comparison of prediction with keep-alive.
void greenroom_policy::tick(std::span<const seat> seats, double now_s) {
  if (ticked_s_ >= 0 && now_s - ticked_s_ < tick_every_s) return;
  ticked_s_ = now_s;
  double in_use_mb = 0;
  double busy_mb = 0;
  for (std::size_t i = 0; i < seats.size(); ++i) {
    if (seats[i].state == worker_state::cold) continue;
    in_use_mb += facts_[i].memory_mb;
    if (seats[i].tasks > 0) busy_mb += facts_[i].memory_mb;
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

plan greenroom_policy::review(std::span<const seat> seats, double clock_s) {
  assert(seats.size() == members_.size());
  const double now_s = own_time(clock_s);
  fleet_.begin(now_s);
  fleet_.refresh(now_s);
  tick(seats, now_s);
  plan answer;
  while (due_.next_s() <= now_s) {
    const specialist_index who = due_.pop();
    reassess(who, paced(seats[who]), now_s, answer);
    // A due time that is not later than now would repeat this loop.
    if (due_.due_s(who) <= now_s) due_.set(who, now_s + 0.05);
  }
  const pool_limits in_force = limits_in_force();
  if (in_force.max_warm < members_.size() || in_force.memory_budget_mb > 0) {
    enforce_caps(seats, now_s, answer);
  }
  admit_prewarms(seats, now_s, answer);
  for (const specialist_index who : pins_) {
    if (seats[who].state == worker_state::cold)
      answer.warm.push_back({who, reason::pinned, never_s});
  }
  answer.next_review_s = pace_.clock(due_.next_s());
  return answer;
}

}  // namespace greenroom::runtime
