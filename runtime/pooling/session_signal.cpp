#include "runtime/pooling/session_signal.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {
namespace {

// Each estimate is shrunk towards the one before it. Probability of a turn to another specialist:
// over all sessions, after this specialist, in this session. Target of the turn: uniform, over all,
// after this specialist. Each prior counts as this many events.
constexpr double turns_after_prior = 5;
constexpr double turns_own_prior = 4;
constexpr double anybody_prior = 1;  // For each specialist.
constexpr double turned_to_prior = 12;
constexpr std::size_t refresh_after = 20;

}  // namespace

void session_signal::grow(std::size_t specialists) {
  if (specialists <= follow_.size()) return;
  follow_.resize(specialists);
  turned_to_.resize(specialists, 0.0);
}

std::size_t session_signal::stage_of(std::uint32_t requests) {
  return requests <= 1 ? 0 : requests <= 5 ? 1 : 2;
}

void session_signal::observe(specialist_index who, std::uint64_t case_key, double now_s) {
  if (case_key == 0) return;
  const auto found = known_.find(case_key);
  if (found == known_.end()) {
    if (sessions_.size() >= sessions_max) {
      known_.erase(sessions_.back().key);
      sessions_.pop_back();
    }
    sessions_.push_front({case_key, now_s, who, 0, 0});
    known_.emplace(case_key, sessions_.begin());
  } else {
    sessions_.splice(sessions_.begin(), sessions_, found->second);
    session& before = sessions_.front();
    returns_[stage_of(before.requests)].ended[age_bin(now_s - before.last_s)] += 1.0;
    follows(before.who, who);
    returns_seen_ += 1.0;
    if (before.who != who) {
      ++before.turns;
      turned_to_[who] += 1.0;
      turns_ += 1.0;
    }
  }
  session& one = sessions_.front();
  one.last_s = now_s;
  one.who = who;
  ++one.requests;
  returns_[stage_of(one.requests)].waiting += 1.0;
  if (since_refresh_++ % refresh_after == 0) {
    for (return_times& times : returns_) refresh(times);
  }
}

// Hazards of the bins from the sessions that returned; a session that never did survives all bins.
void session_signal::refresh(return_times& times) {
  double surviving = times.waiting + 1.0;
  for (std::size_t bin = 0; bin < age_bins; ++bin) {
    const double width_s = age_bin_from_s(bin + 1) - age_bin_from_s(bin);
    times.hazard[bin] =
        (times.ended[bin] + 0.1) / (width_s * std::max(1.0, surviving - 0.5 * times.ended[bin]));
    surviving -= times.ended[bin];
  }
}

// A new successor replaces the rarest one and inherits its count, so that frequent successors end
// up in the table (Space-Saving: Metwally et al., ICDT 2005).
void session_signal::follows(specialist_index before, specialist_index who) {
  follow& entry = follow_[before];
  entry.total += 1.0;
  const auto same = [who](const successor& one) { return one.who == who; };
  const auto found = std::find_if(entry.next.begin(), entry.next.end(), same);
  if (found != entry.next.end()) {
    found->count += 1.0F;
  } else if (entry.next.size() < successors_max) {
    entry.next.push_back({who, 1.0F});
  } else {
    const auto rarer = [](const successor& a, const successor& b) { return a.count < b.count; };
    successor& rarest = *std::min_element(entry.next.begin(), entry.next.end(), rarer);
    rarest = {who, rarest.count + 1.0F};
  }
}

double session_signal::probability(const session& one, specialist_index who) const {
  const follow& entry = follow_[one.who];
  double same = 0;
  double next = 0;
  for (const successor& after : entry.next) {
    if (after.who == one.who) same = static_cast<double>(after.count);
    if (after.who == who) next = static_cast<double>(after.count);
  }
  const double of_all = (turns_ + 1.0) / (returns_seen_ + 2.0);
  const double turned = entry.total - same;
  const double after_this =
      (turned + turns_after_prior * of_all) / (entry.total + turns_after_prior);
  const double turns =
      (one.turns + turns_own_prior * after_this) / (one.requests - 1.0 + turns_own_prior);
  if (who == one.who) return 1.0 - turns;
  const double anybody = (turned_to_[who] + anybody_prior)
                         / (turns_ + anybody_prior * static_cast<double>(turned_to_.size()));
  return turns * (next + turned_to_prior * anybody) / (turned + turned_to_prior);
}

double session_signal::rate(specialist_index who, double now_s) const {
  if (sessions_.empty()) return -1.0;
  double sum = 0;
  std::size_t seen = 0;
  for (const session& one : sessions_) {
    const double age_s = now_s - one.last_s;
    if (++seen > looked_at || age_s > silent_s) break;
    sum += returns_[stage_of(one.requests)].hazard[age_bin(age_s)] * probability(one, who);
  }
  return sum;
}

}  // namespace greenroom::runtime
