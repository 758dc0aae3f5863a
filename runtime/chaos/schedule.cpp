#include "runtime/chaos/schedule.hpp"

#include "protocols/base/random.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace greenroom::runtime::chaos {
namespace {

using base::random_source;

/// Between two lasting faults of one specialist, so that recovery from the first is visible.
constexpr double pause_s = 1.0;

struct draft {
  fault what;
  std::size_t order = 0;  // Equal times keep the order of the rules.
};

bool is_cloud_fault(fault_kind kind) {
  return kind == fault_kind::cloud_down || kind == fault_kind::cloud_silent
         || kind == fault_kind::cloud_slow;
}

std::vector<std::uint32_t> candidates(const rule& one, const shape& cast) {
  std::vector<std::uint32_t> result;
  const auto fits = [&](std::uint32_t who) {
    if (one.what == fault_kind::kill_actor || one.what == fault_kind::lower_budget) return true;
    return is_cloud_fault(one.what) ? cast.is_cloud[who] : cast.is_process[who];
  };
  if (!one.only.empty()) {
    for (const auto who : one.only)
      if (fits(who)) result.push_back(who);
    return result;
  }
  for (std::uint32_t who = 0; who < cast.department.size(); ++who)
    if (fits(who)) result.push_back(who);
  return result;
}

/// Draws without replacement until all were drawn, so that many faults cover every item.
template <class Item>
class urn {
public:
  explicit urn(std::vector<Item> all) : all_{std::move(all)} {}
  [[nodiscard]] bool empty() const { return all_.empty(); }
  Item draw(random_source& random) {
    if (left_.empty()) left_ = all_;
    const auto at = random.below(left_.size());
    const auto result = left_[at];
    left_[at] = left_.back();
    left_.pop_back();
    return result;
  }

private:
  std::vector<Item> all_, left_;
};

std::vector<role> roles_of(const rule& one) {
  if (!one.roles.empty()) return one.roles;
  std::vector<role> all;
  for (std::size_t i = 0; i < role_count; ++i) all.push_back(static_cast<role>(i));
  return all;
}

/// The times of the rule's faults.
std::vector<double> moments(const rule& one, random_source& random) {
  if (one.every_s <= 0) return {one.from_s};
  std::vector<double> result;
  for (std::size_t i = 0;; ++i) {
    const auto begin = one.from_s + static_cast<double>(i) * one.every_s;
    if (begin + one.every_s > one.until_s + 1e-9) return result;
    result.push_back(begin + random.uniform() * one.every_s);
  }
}

void cascade(const rule& one, double at_s, const shape& cast, random_source& random,
             std::vector<fault>& into) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < cast.departments; ++i) all.push_back(i);
  urn<std::uint32_t> departments{all};
  const auto waves = std::min(std::max<std::size_t>(one.count, 1), cast.departments);
  auto now = at_s;
  std::uint32_t last = 0;
  for (std::size_t wave = 0; wave < waves; ++wave, now += one.step_s) {
    const auto department = departments.draw(random);
    bool any = false;
    for (std::uint32_t who = 0; who < cast.department.size(); ++who) {
      if (cast.department[who] != department || !cast.is_process[who]) continue;
      into.push_back({0, now, 0, fault_kind::kill_worker, role::specialist, who, 0, true, true});
      last = who;
      any = true;
    }
    if (any)
      into.push_back({0, now, 0, fault_kind::kill_actor, role::department, last, 0, true, true});
  }
  for (const auto who : {role::director, role::dispatcher})
    into.push_back({0, now, 0, fault_kind::kill_actor, who, last, 0, true, true});
}

}  // namespace

std::string_view to_string(fault_kind kind) {
  constexpr std::array<std::string_view, fault_kind_count> names{
      "kill_worker",   "kill_actor",   "freeze_worker", "slow_worker",
      "garble_worker", "cut_worker",   "swell_worker",  "lower_budget",
      "cloud_down",    "cloud_silent", "cloud_slow",    "cascade"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view to_string(role who) {
  constexpr std::array<std::string_view, role_count> names{
      "dispatcher",     "pool",    "journal", "director", "department", "specialist",
      "memory_sampler", "monitor", "rollout", "rollback", "predictor"};
  return names[static_cast<std::size_t>(who)];
}

bool lasts(fault_kind kind) {
  return kind != fault_kind::kill_worker && kind != fault_kind::kill_actor
         && kind != fault_kind::cascade;
}

std::vector<fault> make_schedule(const std::vector<rule>& rules, const shape& cast,
                                 std::uint64_t seed) {
  random_source source{seed};
  std::vector<fault> drafts;
  for (const auto& one : rules) {
    auto random = source.split();
    auto who = urn<std::uint32_t>{candidates(one, cast)};
    auto actor = urn<role>{roles_of(one)};
    const bool lasting = lasts(one.what);
    for (const auto at : moments(one, random)) {
      if (one.what == fault_kind::cascade) {
        cascade(one, at, cast, random, drafts);
        continue;
      }
      for (std::size_t i = 0; i < std::max<std::size_t>(one.count, 1); ++i) {
        if (who.empty()) continue;
        fault drawn{0,
                    at,
                    lasting ? one.for_s : 0,
                    one.what,
                    role::specialist,
                    who.draw(random),
                    one.amount,
                    !one.only.empty(),
                    false};
        if (one.what == fault_kind::kill_actor) drawn.who = actor.draw(random);
        if (one.every_s > 0 && at + drawn.for_s > one.until_s + 1e-9) continue;
        drafts.push_back(drawn);
      }
    }
  }
  std::ranges::stable_sort(drafts, {}, &fault::at_s);
  // The cloud service and the budget count as one target each; workers are separate targets.
  constexpr std::uint32_t the_cloud = 0xfffffffeU, the_budget = 0xffffffffU;
  std::vector<std::pair<std::uint32_t, double>> busy;
  std::vector<fault> result;
  for (auto& one : drafts) {
    if (lasts(one.what)) {
      const auto place = is_cloud_fault(one.what)               ? the_cloud
                         : one.what == fault_kind::lower_budget ? the_budget
                                                                : one.target;
      const auto found = std::ranges::find(busy, place, &std::pair<std::uint32_t, double>::first);
      if (found != busy.end() && one.at_s < found->second + pause_s) continue;
      if (found == busy.end())
        busy.emplace_back(place, one.at_s + one.for_s);
      else
        found->second = one.at_s + one.for_s;
    }
    one.number = result.size() + 1;
    result.push_back(one);
  }
  return result;
}

}  // namespace greenroom::runtime::chaos
