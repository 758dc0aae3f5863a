#include "runtime/pooling/predictive_policy.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace greenroom::runtime {
namespace {

// Errors count fully up to this many times the price, and less beyond.
constexpr double focus_prices = 10;
constexpr double rarity_most = 50;
constexpr double announcement_prior = 2;

}  // namespace

predictive_policy::predictive_policy(const predictive_options& options) : options_(options) {}

std::unique_ptr<warm_policy> make_predictive_policy(const predictive_options& options) {
  return std::make_unique<predictive_policy>(options);
}

// -- settings -----------------------------------------------------------------------------------

void predictive_policy::learn(specialist_index who, const specialist_facts& facts) {
  assert(who <= members_.size());
  const bool was_pinned = who < members_.size() && members_[who].facts.pinned;
  if (who == members_.size()) {
    members_.emplace_back();
    facts_.emplace_back();
    due_.grow(members_.size());
    sessions_.grow(members_.size());
    frequency_.grow(members_.size());
  } else {
    load_total_s_ -= facts_[who].load_s;
    memory_total_mb_ -= facts_[who].memory_mb;
  }
  members_[who].facts = facts_[who] = facts;
  facts_[who].load_s /= pace_.unit();
  members_[who].facts.load_s = facts_[who].load_s;
  load_total_s_ += facts_[who].load_s;
  memory_total_mb_ += facts.memory_mb;
  balance_.employ(facts.department);
  if (facts.pinned && !was_pinned) pins_.push_back(who);
  if (!facts.pinned && was_pinned) std::erase(pins_, who);
}

void predictive_policy::set_limits(const pool_limits& limits) {
  const double before = pace_.unit();
  pace_.change(pace::unit_of(limits.cooldown_s), latest_s_);
  const double ratio = before / pace_.unit();
  if (ratio != 1.0) {
    load_total_s_ *= ratio;
    for (specialist_index who = 0; who < members_.size(); ++who) {
      facts_[who].load_s *= ratio;
      members_[who].facts.load_s = facts_[who].load_s;
    }
  }
  fleet_.keep_pace(pace_);
  limits_ = limits;
  limits_.cooldown_s /= pace_.unit();
  limits_.min_residency_s /= pace_.unit();
  limits_.automatic_residency_max_s /= pace_.unit();
  adaptation_.configure(limits.warm_threshold, limits.max_warm, limits.adaptive);
  refresh_price();
}

pool_limits predictive_policy::limits_in_force() const {
  pool_limits in_force = limits_;
  in_force.max_warm = std::min(limits_.max_warm, adaptation_.slots());
  return in_force;
}

// Shorter idle times need no decision: no start would fit in them.
double predictive_policy::settle_s(const member& one) const {
  return std::clamp(0.25 * one.facts.load_s, 0.1, 5.0);
}

double predictive_policy::worth(const member& one, double rate) const {
  const auto count = static_cast<double>(members_.size());
  const double load = one.facts.load_s * count / std::max(1e-9, load_total_s_);
  const double memory = one.facts.memory_mb * count / std::max(1e-9, memory_total_mb_);
  double rarity = 1.0;
  if (options_.rarity > 0 && !filling() && one.history->visits > 0) {
    const double mean = fleet_visits_ / std::max(1.0, seen_);
    const double rarer = mean / static_cast<double>(one.history->visits);
    rarity = std::pow(std::clamp(rarer, 1.0, rarity_most), options_.rarity);
  }
  return rate * load / std::max(1e-9, memory) * one.facts.priority_weight * rarity;
}

void predictive_policy::refresh_price() {
  if (options_.price > 0) {
    price_now_ = options_.price * pace_.unit();
  } else if (filling()) {
    price_now_ = 0;
  } else if (limits_.target_memory > 0) {
    price_now_ = price_.price(limits_.target_memory);
  } else {
    // An infinite cooldown has a price of 0.
    price_now_ =
        -std::log1p(-adaptation_.threshold()) / (price_horizon_cooldowns * limits_.cooldown_s);
  }
}

// Slots are scarce while a task had to evict a specialist recently. The only cost of a slot is then
// its alternative use, and freeing a slot early saves nothing.
bool predictive_policy::filling() const {
  if (options_.fill_slots) return true;
  return options_.price <= 0 && limits_.target_memory <= 0 && scarce_;
}

double predictive_policy::own_time(double clock_s) {
  latest_s_ = std::max(latest_s_, clock_s);
  return pace_.own(clock_s);
}

// The slot state in policy time.
slot_state predictive_policy::paced(const slot_state& slot) const {
  slot_state own = slot;
  own.since_s = pace_.own(slot.since_s);
  own.idle_since_s = pace_.own(slot.idle_since_s);
  return own;
}

double predictive_policy::focus_rate() const {
  const double price = keep_price();
  return focus_prices * (price > 0 ? price : marginal_rate_);
}

// -- observations ------------------------------------------------------------------------------

// Compares the last estimate with the outcome, and charges the idle memory.
void predictive_policy::settle_books(member& one, double now_s, bool came) {
  if (one.has_estimate) {
    const double lasted_s = std::max(0.0, now_s - one.estimated_s);
    mixture_.learn(one.trust.own(), *one.signals, one.estimated_raw, lasted_s, came, focus_rate());
    const double middle_s = one.estimated_s - one.idle_since_s() + 0.5 * lasted_s;
    const std::size_t bin = age_bin(middle_s);
    one.history.own().lasted_s[bin] += static_cast<float>(lasted_s);
    if (came) one.history.own().ended[bin] += 1.0F;
    fleet_.idle(middle_s, lasted_s, one.signals->base, came);
    price_.idle(one.warm_below, one.facts.memory_mb, lasted_s);
    one.has_estimate = false;
  }
  if (!one.shadow_gone && now_s - one.idle_since_s() > referee_.keep_s()) {
    one.shadow_gone = true;
    referee_.shadow_expired();
  }
}

void predictive_policy::close_announcement(member& one, bool came) {
  if (one.announced_probability <= 0) return;
  constexpr double fade = 0.99;
  announced_promised_ = announced_promised_ * fade + one.announced_probability;
  announced_came_ = announced_came_ * fade + (came ? 1.0 : 0.0);
  one.announced_probability = one.announced_rate = 0;
}

void predictive_policy::observe_arrival(specialist_index who, std::uint64_t case_key,
                                        double clock_s) {
  assert(who < members_.size());
  const double now_s = own_time(clock_s);
  fleet_.begin(now_s);
  sessions_.observe(who, case_key, now_s);
  member& one = members_[who];
  const double idle_since_s = one.idle_since_s();
  arrival_history& history = one.history.own();
  history.idle_since_s = idle_since_s;
  if (history.busy) return;
  history.busy = true;
  due_.set(who, never_s);
  close_announcement(one, now_s <= one.announced_until_s);

  const bool first = history.visits == 0;
  const double gap_s = std::max(0.0, now_s - history.idle_since_s);
  // An idle time too short for any decision does not begin another visit.
  if (!first && gap_s <= 0.2 * settle_s(one)) {
    one.has_estimate = false;
    return;
  }
  if (!first) {
    settle_books(one, now_s, true);
    referee_.visit(gap_s);
  }
  if (one.warm_since_s >= 0) referee_.spent(std::max(0.0, now_s - one.warm_since_s));
  if (one.prewarmed_s >= 0) {
    referee_.prewarm_hit();
    // A visit during the start waits for the rest: only the completed part was caught.
    const double ready = (now_s - one.prewarmed_s) / std::max(one.facts.load_s, 1e-9);
    count_start(one, std::min(ready, 1.0));
  }
  one.warm_since_s = one.prewarmed_s = -1;
  one.has_estimate = one.missed = one.shadow_gone = false;
  one.wastes = 0;
  history.visit(now_s, pace_.clock(now_s));
  fleet_.visit(now_s);
  balance_.active(one.facts.department);
  fleet_visits_ += 1.0;
  visits_recent_ += 1.0;
  if (first) seen_ += 1.0;
  if (frequency_.awake() && !one.facts.pinned) frequency_.visit(who, limits_in_force(), facts_);
}

void predictive_policy::observe_idle(specialist_index who, double clock_s) {
  assert(who < members_.size());
  const double now_s = own_time(clock_s);
  fleet_.begin(now_s);
  member& one = members_[who];
  if (!one.history->busy && one.history->visits > 0) return;
  if (one.history.made()) {
    one.history.own().busy = false;
    one.history.own().idle_since_s = now_s;
    if (frequency_.awake()) frequency_.end(who, now_s);
  } else {
    one.first_idle_s = now_s;  // Warm without any visit: no history yet.
  }
  one.warm_since_s = now_s;
  one.shadow_gone = false;
  due_.set(who, now_s + settle_s(one));
}

void predictive_policy::expect(specialist_index who, double probability, double within_s,
                               reason why, double clock_s) {
  assert(who < members_.size());
  const double now_s = own_time(clock_s);
  fleet_.begin(now_s);
  if (!(probability > 0) || !(within_s > 0)) return;
  within_s /= pace_.unit();
  member& one = members_[who];
  const double certain = std::min(probability, 0.999);
  const double rate = -std::log1p(-certain) / within_s;
  if (now_s > one.announced_until_s) close_announcement(one, false);
  // The latest announcement counts: the predictor has weighed its sources before it announces.
  one.announced_probability = certain;
  one.announced_rate = rate;
  one.announced_until_s = now_s + within_s;
  one.announced_why = why;
  if (!one.history->busy) due_.set(who, std::min(due_.due_s(who), now_s));
}

// -- estimates ---------------------------------------------------------------------------------

double predictive_policy::announced(const member& one, double now_s) const {
  if (one.announced_probability <= 0 || now_s > one.announced_until_s) return 0;
  const double trust =
      (announced_came_ + announcement_prior) / (announced_promised_ + announcement_prior);
  return one.announced_rate * std::min(trust, 1.5);
}

signal_values predictive_policy::read(specialist_index who, double at_s) const {
  const member& one = members_[who];
  signal_values signals;
  read_signals(*one.history, fleet_, at_s, settle_s(one), signals);
  const double promised = sessions_.rate(who, at_s);
  if (promised >= 0) {
    signals.promised = promised;
    signals.x[static_cast<std::size_t>(signal::sessions)] = std::log(promised / signals.base + 0.1);
  }
  return signals;
}

// A new estimate for an idle specialist, kept for the comparison with the outcome.
double predictive_policy::estimate(specialist_index who, double now_s) {
  member& one = members_[who];
  if (one.history->visits == 0) return one.rate = 0;
  one.signals.own() = read(who, now_s);
  const auto found = mixture_.read(*one.trust, *one.signals);
  one.estimated_s = now_s;
  one.estimated_raw = found.raw;
  one.has_estimate = true;
  one.rate = found.rate;
  return one.rate;
}

}  // namespace greenroom::runtime
