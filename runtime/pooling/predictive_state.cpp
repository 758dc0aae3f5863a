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

}  // namespace

std::string predictive_policy::save(std::span<const std::string> names) const {
  state_writer to;
  to.put(pace_.remembered().unit);
  to.put(pace_.remembered().clock_at_s);
  to.put(pace_.remembered().own_at_s);
  to.put(latest_s_);
  const fleet_rhythm::memory& fleet = fleet_.remembered();
  to.put(fleet.start_s);
  to.put(fleet.counted_s);
  put(to, fleet.counts);
  put(to, fleet.hour);
  put(to, fleet.ended);
  put(to, fleet.expected);
  to.put(fleet_visits_);
  put(to, mixture_.remembered().weight);
  put(to, mixture_.remembered().squares);
  std::uint64_t cells = 0;
  mixture_.gaps().visit([&](gap_table::cell, const gap_table::counts&) { ++cells; });
  to.put(cells);
  mixture_.gaps().visit([&](gap_table::cell at, const gap_table::counts& one) {
    to.put32(at);
    to.put(one.came);
    to.put(one.foreseen);
  });
  const price_controller::memory price = price_.remembered();
  put(to, price.spent);
  to.put(price.share_s);
  to.put(price.busy_s);
  to.put(price.observed_s);
  to.put(price.total_mb);
  to.put(adaptation_.remembered().threshold);
  to.put(static_cast<std::uint64_t>(adaptation_.remembered().given_up));
  to.put(announced_came_);
  to.put(announced_promised_);
  to.put(marginal_rate_);
  for (std::size_t i = 0; i < members_.size() && i < names.size(); ++i) {
    const member& one = members_[i];
    if (one.history->visits == 0) continue;
    to.put(std::string_view(names[i]));
    to.put(one.history->visits);
    to.put(one.history->visit_s);
    to.put(one.idle_since_s());
    put(to, one.history->recent);
    put(to, one.history->ended);
    put(to, one.history->lasted_s);
    put(to, one.history->interval_s);
    put(to, one.history->hour);
    put(to, one.history->weekday);
    put(to, one.trust->weight);
    put(to, one.trust->squares);
    to.put(one.trust->foreseen);
    to.put(one.trust->came);
  }
  return to.sealed(policy_state, policy_state_version);
}

base::expected<void> predictive_policy::restore(std::string_view text,
                                                std::span<const std::string> names) {
  const auto body = state_reader::open(text, policy_state, policy_state_version);
  if (!body) return body.error();
  std::unordered_map<std::string_view, specialist_index> index;
  for (std::size_t i = 0; i < names.size() && i < members_.size(); ++i) {
    index.emplace(names[i], static_cast<specialist_index>(i));
  }
  state_reader from(*body);
  pace::memory lived;
  lived.unit = from.number_within(pace::unit_least, 1.0);
  lived.clock_at_s = finite(from);
  lived.own_at_s = finite(from);
  const double saved_s = finite(from);
  fleet_rhythm::memory fleet;
  fleet.start_s = finite(from);
  fleet.counted_s = finite(from);
  take(from, fleet.counts);
  take(from, fleet.hour);
  take(from, fleet.ended);
  take(from, fleet.expected);
  const double visits = finite(from);
  call_rate_mixture::memory mixture;
  take(from, mixture.weight);
  take(from, mixture.squares);
  gap_table gaps;
  constexpr std::size_t cell_bytes = 12;
  for (auto left = from.count(gap_table::cells, cell_bytes); left > 0; --left) {
    const auto at = from.integer32();
    const auto came = from.small_number_within(0, most_counted);
    const auto foreseen = from.small_number_within(0, most_counted);
    if (!gaps.remember(at, {came, foreseen})) from.fail();
  }
  price_controller::memory price;
  take(from, price.spent);
  price.share_s = finite(from);
  price.busy_s = finite(from);
  price.observed_s = finite(from);
  price.total_mb = finite(from);
  warm_adaptation::memory adapted;
  adapted.threshold = finite(from);
  adapted.given_up = static_cast<std::size_t>(from.integer());
  const double came = finite(from);
  const double promised = finite(from);
  const double marginal = finite(from);
  std::vector<std::pair<specialist_index, member>> found;
  while (!from.failed() && !from.at_end()) {
    const std::string_view name = from.text();
    member one;
    auto& history = one.history.own();
    auto& trust = one.trust.own();
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
    const auto at = index.find(name);
    if (!from.failed() && at != index.end()) found.emplace_back(at->second, std::move(one));
  }
  if (from.failed()) return base::problem{"damaged", "what is inside does not fit together"};

  // Times were saved at another pace: restore that pace first, then change to the current one.
  const double unit = pace_.unit();
  pace_.remember(lived);
  pace_.change(unit, saved_s);
  latest_s_ = std::max(latest_s_, saved_s);
  fleet_.keep_pace(pace_);
  fleet_.remember(fleet);
  mixture_.remember(mixture);
  mixture_.remember(std::move(gaps));
  price_.remember(price);
  adaptation_.remember(adapted);
  fleet_visits_ = visits;
  announced_came_ = came;
  announced_promised_ = promised;
  if (marginal > 0) marginal_rate_ = marginal;
  seen_ = 0;
  for (auto& [who, one] : found) {
    one.facts = facts_[who];
    members_[who] = std::move(one);
    seen_ += 1.0;
    due_.set(who, members_[who].idle_since_s() + settle_s(members_[who]));
  }
  return {};
}

}  // namespace greenroom::runtime
