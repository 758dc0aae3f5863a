#include "runtime/prediction/frequent_chains.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace greenroom::runtime {

namespace {

using chain = std::vector<std::uint32_t>;

/// The calls of each session, in order, without repetitions.
std::vector<chain> sessions_of(const trace& traffic) {
  std::unordered_map<std::uint64_t, std::size_t> places;
  std::vector<chain> sessions;
  for (const auto& one : traffic.requests) {
    if (one.case_key == 0) continue;
    const auto [found, fresh] = places.try_emplace(one.case_key, sessions.size());
    if (fresh) sessions.emplace_back();
    auto& calls = sessions[found->second];
    if (calls.empty() || calls.back() != one.who) calls.push_back(one.who);
  }
  return sessions;
}

/// True when `part` occurs in `whole` without gaps.
bool contains(const chain& whole, const chain& part) {
  return !std::ranges::search(whole, part).empty();
}

}  // namespace

std::vector<frequent_chain> frequent_chains(const trace& traffic, const chain_settings& settings) {
  std::map<chain, std::size_t> cases;
  for (const auto& calls : sessions_of(traffic)) {
    std::set<chain> seen;
    for (std::size_t from = 0; from < calls.size(); ++from)
      for (std::size_t length = 1; length <= settings.steps_max && from + length <= calls.size();
           ++length)
        seen.insert({calls.begin() + static_cast<std::ptrdiff_t>(from),
                     calls.begin() + static_cast<std::ptrdiff_t>(from + length)});
    for (const auto& one : seen) {
      const auto found = cases.find(one);
      if (found != cases.end())
        ++found->second;
      else if (cases.size() < settings.counted_max)
        cases.emplace(one, 1);
    }
  }
  std::vector<frequent_chain> result;
  for (const auto& [steps, count] : cases) {
    if (steps.size() < settings.steps_min || count < settings.cases_min) continue;
    double certainty = 1;
    bool certain = true;
    for (auto length = steps.size(); length > 1 && certain; --length) {
      const auto before = cases.find({steps.begin(), steps.begin() + std::ptrdiff_t(length) - 1});
      const auto whole = cases.find({steps.begin(), steps.begin() + std::ptrdiff_t(length)});
      if (before == cases.end() || whole == cases.end()) {
        certain = false;
        break;
      }
      const auto share = static_cast<double>(whole->second) / static_cast<double>(before->second);
      if (length == steps.size()) certainty = share;
      certain = share >= settings.certainty_min;
    }
    if (certain) result.push_back({steps, count, certainty});
  }
  // A longer chain says more than its parts, unless they are much more frequent.
  constexpr double much_more = 1.25;
  std::ranges::sort(result, std::greater{}, [](const frequent_chain& one) {
    return std::pair{one.steps.size(), one.cases};
  });
  std::vector<frequent_chain> kept;
  for (auto& one : result)
    if (std::ranges::none_of(kept, [&](const frequent_chain& longer) {
          return contains(longer.steps, one.steps)
                 && static_cast<double>(one.cases) < much_more * static_cast<double>(longer.cases);
        }))
      kept.push_back(std::move(one));
  std::ranges::stable_sort(kept, std::greater{}, &frequent_chain::cases);
  if (kept.size() > settings.chains_max) kept.resize(settings.chains_max);
  return kept;
}

std::size_t cases_with(const trace& traffic, const std::vector<std::uint32_t>& steps) {
  std::size_t count = 0;
  for (const auto& calls : sessions_of(traffic)) {
    std::size_t next = 0;
    for (const auto call : calls)
      if (next < steps.size() && call == steps[next]) ++next;
    if (!steps.empty() && next == steps.size()) ++count;
  }
  return count;
}

}  // namespace greenroom::runtime
