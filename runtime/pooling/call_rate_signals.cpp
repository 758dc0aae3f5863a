#include "runtime/pooling/call_rate_signals.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/calendar.hpp"

namespace greenroom::runtime {
namespace {

// Each estimate is (events + c) / (exposure + c / prior): the mean of a Gamma posterior whose prior
// is worth c events at the rate of the next coarser source (an empirical Bayes shrinkage). The
// weights were chosen on a plateau: halving or doubling any of them changes little.
constexpr double rate_prior_events = 0.3;
constexpr double gap_prior_events = 0.5;
constexpr double timer_prior_events = 0.3;
constexpr double hour_prior_events = 3.0;
// Intervals that differ by less than this share are equal.
constexpr double timer_share = 0.02;
constexpr double fleet_prior_events = 0.5;

// The rate assumed before any visit: one a day.
constexpr double unknown_rate = 1.0 / day_s;
// Ages are binned in units of the mean interval; this puts a mean interval into the upper bins.
constexpr double relative_age_scale = 1e4;

double relative_bin_age(double age_s, double rate) { return age_s * rate * relative_age_scale; }

// Of some intervals, the number that would complete about now, and the number not yet over.
struct endings {
  double window_s = 0;
  int now = 0;
  int to_come = 0;  // Includes `now`.
  double hazard(double prior_rate) const {
    return (now + timer_prior_events) / (window_s * to_come + timer_prior_events / prior_rate);
  }
};

struct timers {
  endings all;
  endings after_one;  // Intervals that followed one like the last.
  endings after_two;  // Of those, the ones with an interval like the last but one before.
};

timers find_timers(const arrival_history& one, double now_s, double settle_s) {
  const double since_s = now_s - one.visit_s;
  const double slack_s = timer_slack_s(since_s, settle_s);
  const endings none{.window_s = 2.0 * slack_s};
  timers found{none, none, none};
  const std::size_t known = one.intervals();
  const auto alike = [&](std::size_t a, std::size_t b) {
    const double before_s = one.interval_s[a];
    return b < known
           && std::abs(before_s - one.interval_s[b]) <= std::max(timer_share * before_s, settle_s);
  };
  for (std::size_t i = 0; i < known; ++i) {
    const double interval_s = one.interval_s[i];
    if (interval_s < since_s - slack_s) continue;
    const int now = interval_s <= since_s + slack_s ? 1 : 0;
    const auto note = [now](endings& where) {
      where.now += now;
      ++where.to_come;
    };
    note(found.all);
    if (!alike(0, i + 1)) continue;
    note(found.after_one);
    if (alike(1, i + 2)) note(found.after_two);
  }
  return found;
}

// A slot of a cycle plus half of each neighbour: habits do not change exactly on the hour.
template <class Slots>
double around(const Slots& slots, std::size_t at) {
  const std::size_t count = slots.size();
  return static_cast<double>(slots[at]) + 0.5 * static_cast<double>(slots[(at + 1) % count])
         + 0.5 * static_cast<double>(slots[(at + count - 1) % count]);
}

}  // namespace

void fleet_rhythm::begin(double now_s) {
  if (begun()) return;
  start_s_ = m_.start_s = m_.counted_s = now_s;
}

double fleet_rhythm::observed_s(double now_s) const { return std::max(60.0, now_s - start_s_); }

void fleet_rhythm::visit(double now_s) {
  const double passed_s = std::max(0.0, now_s - m_.counted_s);
  for (std::size_t k = 0; k < scale_s.size(); ++k) {
    m_.counts[k] = m_.counts[k] * std::exp(-passed_s / scale_s[k]) + 1.0;
  }
  m_.counted_s = std::max(m_.counted_s, now_s);
  m_.hour[hour_of(clock_s(now_s))] += 1.0;
}

double fleet_rhythm::rate(std::size_t scale, double now_s) const {
  const double count =
      m_.counts[scale] * std::exp(-std::max(0.0, now_s - m_.counted_s) / scale_s[scale]);
  const double exposure_s = scale_s[scale] * (1.0 - std::exp(-observed_s(now_s) / scale_s[scale]));
  return (count + fleet_prior_events) / exposure_s;
}

double fleet_rhythm::hour_rate(double now_s, double prior_rate) const {
  const double exposure_s = slot_exposure_s(observed_s(now_s), 24);
  return (around(m_.hour, hour_of(clock_s(now_s))) + hour_prior_events)
         / (exposure_s + hour_prior_events / prior_rate);
}

void fleet_rhythm::idle(double age_s, double lasted_s, double rate, bool ended) {
  const std::size_t bin = age_bin(relative_bin_age(age_s, rate));
  m_.expected[bin] += rate * lasted_s;
  if (ended) m_.ended[bin] += 1.0;
}

double fleet_rhythm::alike_hazard(double age_s, double rate) const {
  const std::size_t bin = age_bin(relative_bin_age(age_s, rate));
  return rate * (m_.ended[bin] + 1.0) / (m_.expected[bin] + 1.0);
}

void fleet_rhythm::refresh(double now_s) {
  present_.observed_s = observed_s(now_s);
  for (std::size_t k = 0; k < rate_scales; ++k) {
    present_.exposure_s[k] = rate_scale_s[k] * -std::expm1(-present_.observed_s / rate_scale_s[k]);
  }
  const double long_run = rate(3, now_s);
  present_.fleet_2m = std::log(rate(0, now_s) / long_run);
  present_.fleet_15m = std::log(rate(1, now_s) / long_run);
  present_.fleet_2h = std::log(rate(2, now_s) / long_run);
  present_.fleet_hour = std::log(hour_rate(now_s, long_run) / long_run);
}

double slot_exposure_s(double observed_s, std::size_t slots) {
  return 2.0 * observed_s / static_cast<double>(slots);
}

double timer_slack_s(double interval_s, double settle_s) {
  return std::max(timer_share * interval_s, 2.0 * settle_s);
}

namespace {

// Rates from the longest scale down, each shrunk towards the longer one.
void read_rates(const arrival_history& one, const fleet_rhythm::moment& present, double now_s,
                signal_values& out) {
  const auto left = fades_after(now_s - one.visit_s);
  double longer = unknown_rate;
  double longer_log = 0;
  for (std::size_t k = rate_scales; k-- > 0;) {
    const double count = static_cast<double>(one.recent[k]) * left[k];
    const double rate =
        (count + rate_prior_events) / (present.exposure_s[k] + rate_prior_events / longer);
    const double rate_log = std::log(rate);
    if (k + 1 == rate_scales) {
      out.base_log = rate_log;
      out.base = rate;
    } else {
      out.x[index(signal::rate_30s) + k] = rate_log - longer_log;
    }
    longer = rate;
    longer_log = rate_log;
  }
}

// How often the specialist's idle times of about this age ended, shrunk towards all specialists'.
double own_hazard(const arrival_history& one, double age_s, double alike) {
  const std::size_t bin = age_bin(age_s);
  double ended = one.ended[bin];
  double lasted_s = one.lasted_s[bin];
  if (bin > 0) {
    ended += 0.5 * one.ended[bin - 1];
    lasted_s += 0.5 * one.lasted_s[bin - 1];
  }
  if (bin + 1 < age_bins) {
    ended += 0.5 * one.ended[bin + 1];
    lasted_s += 0.5 * one.lasted_s[bin + 1];
  }
  return (ended + gap_prior_events) / (lasted_s + gap_prior_events / alike);
}

// Idle times, each shrunk towards the one before: all specialists, this one, its timers.
void read_idle_times(const arrival_history& one, const fleet_rhythm& fleet, double now_s,
                     double settle_s, signal_values& out) {
  const double age_s = std::max(settle_s * 0.1, now_s - one.idle_since_s);
  const double alike = fleet.alike_hazard(age_s, out.base);
  const double own = own_hazard(one, age_s, alike);
  const timers repeated = find_timers(one, now_s, settle_s);
  const double timed = repeated.all.hazard(own);
  const double after_one = repeated.after_one.hazard(timed);
  const double after_two = repeated.after_two.hazard(after_one);
  auto& x = out.x;
  x[index(signal::own_gaps)] = std::log(own / out.base);
  x[index(signal::timer)] = std::log(timed / own);
  x[index(signal::after_one)] = std::log(after_one / timed);
  x[index(signal::after_two)] = std::log(after_two / after_one);
  x[index(signal::alike_gaps)] = std::log(alike / out.base);
  out.gap_row = gap_table::row_of(one.interval_s[0]);
  out.age_s = age_s;
  out.ahead_s = std::max(look_again_share * age_s, settle_s);
}

void read_calendar(const arrival_history& one, const fleet_rhythm& fleet, double now_s,
                   signal_values& out) {
  const double observed_s = fleet.present().observed_s;
  const double base = out.base;
  const double clock_s = fleet.clock_s(now_s);
  // The counts of hours and days do not fade, so they are compared with their own mean.
  const double in_hour = (around(one.hour, hour_of(clock_s)) + hour_prior_events)
                         / (slot_exposure_s(observed_s, 24) + hour_prior_events / base);
  out.x[index(signal::hour)] = std::log(in_hour / base);
  const double in_day = (one.weekday[weekday_of(clock_s)] + hour_prior_events)
                        / (observed_s / 7.0 + hour_prior_events / base);
  // Before two weeks, unobserved days would look like days off.
  out.x[index(signal::weekday)] =
      fleet.days_observed(observed_s) > 14 ? std::log(in_day / base) : 0.0;
}

}  // namespace

void read_signals(const arrival_history& one, const fleet_rhythm& fleet, double now_s,
                  double settle_s, signal_values& out) {
  const fleet_rhythm::moment& present = fleet.present();
  read_rates(one, present, now_s, out);
  read_idle_times(one, fleet, now_s, settle_s, out);
  read_calendar(one, fleet, now_s, out);
  auto& x = out.x;
  x[index(signal::bias)] = 1.0;
  x[index(signal::fleet_2m)] = present.fleet_2m;
  x[index(signal::fleet_15m)] = present.fleet_15m;
  x[index(signal::fleet_2h)] = present.fleet_2h;
  x[index(signal::fleet_hour)] = present.fleet_hour;
  x[index(signal::newcomer)] = one.visits <= 1 ? 1.0 : one.visits <= 3 ? 0.5 : 0.0;
  x[index(signal::sessions)] = 0.0;
}

}  // namespace greenroom::runtime
