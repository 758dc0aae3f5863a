#include "runtime/prediction/hour_profile.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/calendar.hpp"

namespace greenroom::runtime {

namespace {

// Prior evidence, as observed time: half an hour for an hour of the day, half a day for a day.
constexpr double hour_prior_s = 1800;
constexpr double day_prior_s = 43200;

}  // namespace

hour_profile::hour_profile(std::size_t cast, double decay) : rows_(cast), decay_(decay) {}

double hour_profile::worn(double days) const { return std::pow(1.0 - decay_, days); }

void hour_profile::pass_time(double now_s) {
  if (first_s_ < 0) {
    first_s_ = last_s_ = now_s;
    return;
  }
  const double elapsed = now_s - last_s_;
  if (elapsed <= 0) return;
  if (elapsed > day_s / 24) {
    const double keep = worn(elapsed / day_s);
    for (double& seconds : hour_seconds_) seconds *= keep;
    for (double& seconds : day_seconds_) seconds *= keep;
  } else {
    // Within an hour, fading only the current slot is exact enough.
    const double keep = worn(elapsed / day_s * 24);
    hour_seconds_[hour_of(now_s)] *= keep;
    day_seconds_[weekday_of(now_s)] *= worn(elapsed / day_s * 7);
  }
  double from_s = last_s_;
  if (elapsed > 7 * day_s) {
    // A long silence is spread evenly over all hours.
    for (double& seconds : hour_seconds_) seconds += (elapsed - 7 * day_s) / 24;
    for (double& seconds : day_seconds_) seconds += (elapsed - 7 * day_s) / 7;
    from_s = now_s - 7 * day_s;
  }
  while (from_s < now_s) {
    const double until_s = std::min(now_s, hour_s * (std::floor(from_s / hour_s) + 1));
    hour_seconds_[hour_of(from_s)] += until_s - from_s;
    day_seconds_[weekday_of(from_s)] += until_s - from_s;
    from_s = until_s;
  }
  last_s_ = now_s;
}

void hour_profile::observe(specialist_index who, double now_s) {
  now_s = std::max(now_s, last_s_);
  pass_time(now_s);
  if (who >= rows_.size()) return;
  row& mine = rows_[who];
  const auto today = static_cast<float>((now_s - first_s_) / day_s);
  // Decayed at most once an hour, to keep most calls cheap.
  if (today - mine.touched_day > 1.0F / 24) {
    const auto keep = static_cast<float>(worn(static_cast<double>(today - mine.touched_day)));
    for (float& count : mine.hours) count *= keep;
    for (float& count : mine.days) count *= keep;
    mine.sum *= keep;
    mine.touched_day = today;
  }
  mine.hours[hour_of(now_s)] += 1.0F;
  mine.days[weekday_of(now_s)] += 1.0F;
  mine.sum += 1.0F;
  usual_[hour_of(now_s)].observe(who, decay_);
}

double hour_profile::rate(specialist_index who, double now_s) const {
  if (who >= rows_.size()) return 0;
  const row& mine = rows_[who];
  double seconds = 0;
  for (const double hour : hour_seconds_) seconds += hour;
  if (mine.sum <= 0 || seconds <= 0) return 0;
  const auto since = static_cast<double>(mine.touched_day);
  const double keep = worn(std::max(0.0, (now_s - first_s_) / day_s - since));
  const double mean = static_cast<double>(mine.sum) * keep / (seconds + hour_s);
  const std::size_t hour = hour_of(now_s);
  const double by_hour = (static_cast<double>(mine.hours[hour]) * keep + mean * hour_prior_s)
                         / (hour_seconds_[hour] + hour_prior_s);
  const std::size_t day = weekday_of(now_s);
  const double by_day = (static_cast<double>(mine.days[day]) * keep + mean * day_prior_s)
                        / (day_seconds_[day] + day_prior_s);
  return mean > 0 ? by_hour * by_day / mean : 0;
}

std::span<const specialist_index> hour_profile::usual(double now_s) const {
  return usual_[hour_of(now_s)].kept();
}

double hour_profile::usual_share(specialist_index who, double now_s) const {
  return usual_[hour_of(now_s)].share(who);
}

void hour_profile::save(state_writer& to) const {
  to.put(first_s_);
  to.put(last_s_);
  for (const double seconds : hour_seconds_) to.put(seconds);
  for (const double seconds : day_seconds_) to.put(seconds);
  for (const decayed_shares& shares : usual_) shares.save(to);
  to.put(static_cast<std::uint64_t>(rows_.size()));
  for (const row& one : rows_) {
    for (const float count : one.hours) to.put(count);
    for (const float count : one.days) to.put(count);
    to.put(one.sum);
    to.put(one.touched_day);
  }
}

void hour_profile::restore(state_reader& from) {
  constexpr double most = 1e18;
  first_s_ = from.number_within(-1, most);
  last_s_ = from.number_within(-1, most);
  for (double& seconds : hour_seconds_) seconds = from.number_within(0, most);
  for (double& seconds : day_seconds_) seconds = from.number_within(0, most);
  for (decayed_shares& shares : usual_) shares.restore(from);
  rows_.assign(from.count(1U << 24U, 132), {});
  for (row& one : rows_) {
    for (float& count : one.hours) count = from.small_number_within(0, 1e12F);
    for (float& count : one.days) count = from.small_number_within(0, 1e12F);
    one.sum = from.small_number_within(0, 1e12F);
    one.touched_day = from.small_number_within(0, 1e12F);
  }
}

}  // namespace greenroom::runtime
