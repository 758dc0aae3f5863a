// Who leaves when slots or memory are short, and which prewarms get a slot.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/pooling/predictive_policy.hpp"

namespace greenroom::runtime {
namespace {

// Below an idle time of this many load times, the call rate is read at the time when a start would
// be complete.
constexpr double ahead_loads = 10;
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

}  // namespace

// Long after its last visit the call rate moves slowly, unless one of its timers is about to fire.
bool predictive_policy::looks_ahead(const member& one, double now_s) const {
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

void predictive_policy::count_start(member& one, double caught) {
  one.starts.count(static_cast<float>(caught), starts_fade);
  starts_.count(static_cast<float>(caught), all_starts_fade);
}

// The share of the specialist's visits that prewarming would not catch after a cooling.
double predictive_policy::surprise(const member& one) const {
  const auto lost_of = [](const start_counts& some, double prior, double lost) {
    return (static_cast<double>(some.lost) + prior * lost)
           / (static_cast<double>(some.lost) + static_cast<double>(some.caught) + prior);
  };
  return lost_of(one.starts, starts_prior, lost_of(starts_, 4, 0.75));
}

// The value while slots are scarce; a lower bound without `ahead`. Evicting a specialist whose
// return will be foreseen costs nothing, so the long-run frequency counts only for the share of
// visits that are not foreseen.
double predictive_policy::worth_keeping(specialist_index who, double now_s, bool ahead) {
  member& one = members_[who];
  if (!referee_.predicting() || !has_learned()) return one.facts.priority_weight;
  if (!one.has_estimate && one.history->visits > 0) estimate(who, now_s);
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
    if (now_s - one.estimated_s > settle_s(one)) rate = std::max(rate, rate_at(now_s));
  }
  const double frequency = static_cast<double>(one.history->visits) / fleet_.observed_s(now_s);
  const double share = frequency_share * frequency_.value() * surprise(one);
  return worth(one, rate + share * frequency + announced(one, now_s));
}

// Evictable specialists except `spared`, ordered by current value; without prediction the longest
// idle comes first. Valid until the next call to the policy.
template <class Spared>
eviction_order predictive_policy::evictable_now(std::span<const slot_state> slot_states,
                                                double now_s, Spared spared) {
  std::vector<candidate> found;
  const auto worth_of = [this, now_s, slots = limits_in_force().max_warm](specialist_index who,
                                                                          bool ahead) {
    return worth_keeping(who, now_s, ahead)
           * balance_.eviction_weight(members_[who].facts.department, slots);
  };
  for (specialist_index who = 0; who < slot_states.size(); ++who) {
    const slot_state slot = paced(slot_states[who]);
    if (!evictable(slot, facts_[who], residency_of(facts_[who], limits_), now_s) || spared(who))
      continue;
    found.push_back({who, worth_of(who, false), idle_since(slot)});
  }
  return eviction_order{std::move(found),
                        [worth_of](specialist_index who) { return worth_of(who, true); }};
}

warm_policy::room predictive_policy::make_room(specialist_index who,
                                               std::span<const slot_state> slot_states,
                                               double clock_s) {
  assert(who < members_.size() && slot_states.size() == members_.size());
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
  if (one.facts.pinned || counts(slot_states[who], one.facts)) return {true, {}};
  const pool_limits in_force = limits_in_force();
  const occupancy now = taken(slot_states, facts_);
  const occupancy needed{1, one.facts.memory_mb};
  balance_.count(slot_states, facts_);
  const bool own_only = balance_.exhausted(one.facts.department, in_force.max_warm);
  if (!own_only && within(in_force, now, needed)) return {true, {}};
  referee_.constrained();
  if (!own_only) {
    find_slots_scarce(now_s);
    frequency_.wake(slot_states, facts_, [this](specialist_index other) {
      const member& known = members_[other];
      return frequency_trust::usage{known.history->busy, known.history->visits,
                                    known.idle_since_s()};
    });
  }
  fleet_.refresh(now_s);
  room answer;
  eviction_order leaving = evictable_now(slot_states, now_s, [&](specialist_index other) {
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

void predictive_policy::find_slots_scarce(double now_s) {
  scarce_until_s_ =
      now_s + price_horizon_cooldowns * std::min(limits_.cooldown_s, scarce_longest_s);
  if (scarce_) return;
  scarce_ = true;
  refresh_price();
}

void predictive_policy::enforce_caps(std::span<const slot_state> slot_states, double now_s,
                                     plan& answer) {
  const pool_limits in_force = limits_in_force();
  occupancy now = taken(slot_states, facts_);
  std::vector<bool> leaving(slot_states.size(), false);
  for (const change& one : answer.cool) {
    leaving[one.who] = true;
    --now.slots;
    now.memory_mb -= facts_[one.who].memory_mb;
  }
  if (within(in_force, now)) return;
  referee_.constrained();
  const reason why = now.slots > in_force.max_warm ? reason::evicted : reason::memory;
  eviction_order order =
      evictable_now(slot_states, now_s, [&](specialist_index who) { return leaving[who]; });
  while (!within(in_force, now)) {
    const auto one = order.next();
    if (!one) return;
    cool(one->who, why, one->worth, now_s, answer);
    --now.slots;
    now.memory_mb -= facts_[one->who].memory_mb;
  }
}

// Prewarms take free slots, and the slots of specialists with a clearly lower value.
void predictive_policy::admit_prewarms(std::span<const slot_state> slot_states, double now_s,
                                       plan& answer) {
  std::vector<change> wanted = std::move(answer.warm);
  answer.warm.clear();
  if (wanted.empty()) return;
  std::sort(wanted.begin(), wanted.end(), [](const change& a, const change& b) {
    return a.score != b.score ? a.score > b.score : a.who < b.who;
  });
  const pool_limits in_force = limits_in_force();
  occupancy now = taken(slot_states, facts_);
  balance_.count(slot_states, facts_);
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
        order = evictable_now(slot_states, now_s, [&](specialist_index who) {
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

}  // namespace greenroom::runtime
