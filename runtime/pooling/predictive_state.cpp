// Saves and restores the policy's learned state as one string.
//
// Arrays are written without zeros, since most entries are 0. Sessions under way and announcements
// are short-lived and are not saved.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>
#include <unordered_map>

#include "runtime/pooling/predictive_policy.hpp"
#include "runtime/state_text.hpp"

namespace greenroom::runtime {
namespace {

constexpr std::string_view policy_state = "greenroom warm policy";
constexpr std::uint32_t policy_state_version = 3;
constexpr float most_counted = 1e9F;

template <class Number, std::size_t Count>
void put(state_writer& to, const std::array<Number, Count>& values) {
  const auto filled =
      std::count_if(values.begin(), values.end(), [](Number one) { return one != 0; });
  to.put32(static_cast<std::uint32_t>(filled));
  for (std::size_t i = 0; i < Count; ++i) {
    if (values[i] == 0) continue;
    to.put32(static_cast<std::uint32_t>(i));
    to.put(static_cast<double>(values[i]));
  }
}

template <class Number, std::size_t Count>
void take(state_reader& from, std::array<Number, Count>& values) {
  values.fill(Number{});
  const std::uint32_t filled = from.integer32();
  if (filled > Count) from.fail();
  for (std::uint32_t i = 0; i < filled && !from.failed(); ++i) {
    const std::uint32_t at = from.integer32();
    const double value = from.number();
    // The largest value of an integer type may not be a double; the next one above is.
    constexpr bool whole = std::is_integral_v<Number>;
    constexpr double most = whole ? 0x1p31 : static_cast<double>(std::numeric_limits<float>::max());
    if (at >= Count || !(std::abs(value) <= most) || (whole && value < 0)) {
      from.fail();
    } else {
      values[at] = static_cast<Number>(value);
    }
  }
}

double finite(state_reader& from) {
  const double value = from.number();
  if (!std::isfinite(value)) from.fail();
  return from.failed() ? 0 : value;
}

void put(state_writer& to, const fleet_rhythm::memory& fleet) {
  to.put(fleet.start_s);
  to.put(fleet.counted_s);
  put(to, fleet.counts);
  put(to, fleet.hour);
  put(to, fleet.ended);
  put(to, fleet.expected);
}

void take(state_reader& from, fleet_rhythm::memory& fleet) {
  fleet.start_s = finite(from);
  fleet.counted_s = finite(from);
  take(from, fleet.counts);
  take(from, fleet.hour);
  take(from, fleet.ended);
  take(from, fleet.expected);
}

void put(state_writer& to, const gap_table& gaps) {
  std::uint64_t cells = 0;
  gaps.visit([&](gap_table::cell, const gap_table::counts&) { ++cells; });
  to.put(cells);
  gaps.visit([&](gap_table::cell at, const gap_table::counts& one) {
    to.put32(at);
    to.put(one.came);
    to.put(one.foreseen);
  });
}

void take(state_reader& from, gap_table& gaps) {
  constexpr std::size_t cell_bytes = 12;
  for (auto left = from.count(gap_table::cells, cell_bytes); left > 0; --left) {
    const auto at = from.integer32();
    const auto came = from.small_number_within(0, most_counted);
    const auto foreseen = from.small_number_within(0, most_counted);
    if (!gaps.remember(at, {came, foreseen})) from.fail();
  }
}

void put(state_writer& to, const price_controller::memory& price) {
  put(to, price.spent);
  to.put(price.share_s);
  to.put(price.busy_s);
  to.put(price.observed_s);
  to.put(price.total_mb);
}

void take(state_reader& from, price_controller::memory& price) {
  take(from, price.spent);
  price.share_s = finite(from);
  price.busy_s = finite(from);
  price.observed_s = finite(from);
  price.total_mb = finite(from);
}

void put(state_writer& to, const arrival_history& history, double idle_since_s,
         const call_rate_mixture::own_trust& trust) {
  to.put(history.visits);
  to.put(history.visit_s);
  to.put(idle_since_s);
  put(to, history.recent);
  put(to, history.ended);
  put(to, history.lasted_s);
  put(to, history.interval_s);
  put(to, history.hour);
  put(to, history.weekday);
  put(to, trust.weight);
  put(to, trust.squares);
  to.put(trust.foreseen);
  to.put(trust.came);
}

void take(state_reader& from, arrival_history& history, call_rate_mixture::own_trust& trust) {
  history.visits = from.integer();
  history.visit_s = finite(from);
  history.idle_since_s = finite(from);
  take(from, history.recent);
  take(from, history.ended);
  take(from, history.lasted_s);
  take(from, history.interval_s);
  take(from, history.hour);
  take(from, history.weekday);
  take(from, trust.weight);
  take(from, trust.squares);
  trust.foreseen = from.small_number();
  trust.came = from.small_number();
  if (!std::isfinite(trust.foreseen) || !std::isfinite(trust.came)) from.fail();
}

}  // namespace

/// The content of a saved state.
struct predictive_policy::saved_state {
  pace::memory timing;
  double saved_s = 0;
  fleet_rhythm::memory fleet;
  double visits = 0;
  call_rate_mixture::memory mixture;
  gap_table gaps;
  price_controller::memory price;
  warm_adaptation::memory adaptation;
  double announced_came = 0;
  double announced_promised = 0;
  double marginal_rate = 0;
  std::vector<std::pair<specialist_index, member>> members;
};

std::string predictive_policy::save(std::span<const std::string> names) const {
  state_writer to;
  to.put(pace_.remembered().unit);
  to.put(pace_.remembered().clock_at_s);
  to.put(pace_.remembered().own_at_s);
  to.put(latest_s_);
  put(to, fleet_.remembered());
  to.put(fleet_visits_);
  put(to, mixture_.remembered().weight);
  put(to, mixture_.remembered().squares);
  put(to, mixture_.gaps());
  put(to, price_.remembered());
  to.put(adaptation_.remembered().threshold);
  to.put(static_cast<std::uint64_t>(adaptation_.remembered().given_up));
  to.put(announced_came_);
  to.put(announced_promised_);
  to.put(marginal_rate_);
  for (std::size_t i = 0; i < members_.size() && i < names.size(); ++i) {
    const member& one = members_[i];
    if (one.history->visits == 0) continue;
    to.put(std::string_view(names[i]));
    put(to, *one.history, one.idle_since_s(), *one.trust);
  }
  return to.sealed(policy_state, policy_state_version);
}

predictive_policy::saved_state predictive_policy::parse_state(
    state_reader& from, std::span<const std::string> names) const {
  std::unordered_map<std::string_view, specialist_index> index;
  for (std::size_t i = 0; i < names.size() && i < members_.size(); ++i) {
    index.emplace(names[i], static_cast<specialist_index>(i));
  }
  saved_state saved;
  saved.timing.unit = from.number_within(pace::unit_least, 1.0);
  saved.timing.clock_at_s = finite(from);
  saved.timing.own_at_s = finite(from);
  saved.saved_s = finite(from);
  take(from, saved.fleet);
  saved.visits = finite(from);
  take(from, saved.mixture.weight);
  take(from, saved.mixture.squares);
  take(from, saved.gaps);
  take(from, saved.price);
  saved.adaptation.threshold = finite(from);
  saved.adaptation.given_up = static_cast<std::size_t>(from.integer());
  saved.announced_came = finite(from);
  saved.announced_promised = finite(from);
  saved.marginal_rate = finite(from);
  while (!from.failed() && !from.at_end()) {
    const std::string_view name = from.text();
    member one;
    take(from, one.history.own(), one.trust.own());
    const auto at = index.find(name);
    if (!from.failed() && at != index.end()) saved.members.emplace_back(at->second, std::move(one));
  }
  return saved;
}

base::expected<void> predictive_policy::restore(std::string_view text,
                                                std::span<const std::string> names) {
  const auto body = state_reader::open(text, policy_state, policy_state_version);
  if (!body) return body.error();
  state_reader from(*body);
  saved_state saved = parse_state(from, names);
  if (from.failed()) return base::problem{"damaged", "what is inside does not fit together"};

  // Times were saved at another pace: restore that pace first, then change to the current one.
  const double unit = pace_.unit();
  pace_.remember(saved.timing);
  pace_.change(unit, saved.saved_s);
  latest_s_ = std::max(latest_s_, saved.saved_s);
  fleet_.keep_pace(pace_);
  fleet_.remember(saved.fleet);
  mixture_.remember(saved.mixture);
  mixture_.remember(std::move(saved.gaps));
  price_.remember(saved.price);
  adaptation_.remember(saved.adaptation);
  fleet_visits_ = saved.visits;
  announced_came_ = saved.announced_came;
  announced_promised_ = saved.announced_promised;
  if (saved.marginal_rate > 0) marginal_rate_ = saved.marginal_rate;
  seen_ = 0;
  for (auto& [who, one] : saved.members) {
    one.facts = facts_[who];
    members_[who] = std::move(one);
    seen_ += 1.0;
    due_.set(who, members_[who].idle_since_s() + settle_s(members_[who]));
  }
  return {};
}

}  // namespace greenroom::runtime
