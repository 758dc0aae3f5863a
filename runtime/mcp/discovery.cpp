#include "runtime/mcp/discovery.hpp"

#include <algorithm>

namespace greenroom::runtime::mcp {

void discovery::configure(settings set) {
  set_ = set;
  if (set_.when == mode::eager) {
    // In the order of the configuration, behind those that are wanted already.
    std::vector<entry*> idle;
    for (auto& [name, one] : entries_)
      if (one.now == state::idle) idle.push_back(&one);
    std::sort(idle.begin(), idle.end(),
              [](const entry* a, const entry* b) { return a->order < b->order; });
    for (auto* const one : idle) {
      one->now = state::wanted;
      one->order = ++orders_;
    }
    return;
  }
  for (auto& [name, one] : entries_)
    if (one.now == state::wanted && !one.asked) one.now = state::idle;
}

void discovery::add(std::string_view server) {
  const auto [at, fresh] = entries_.try_emplace(std::string{server});
  if (!fresh) return;
  at->second.order = ++orders_;
  if (set_.when == mode::eager) at->second.now = state::wanted;
}

void discovery::remove(std::string_view server) {
  if (const auto found = entries_.find(server); found != entries_.end()) entries_.erase(found);
}

void discovery::ask(const std::vector<std::string>& servers) {
  if (set_.when == mode::off) return;
  for (const auto& server : servers) {
    const auto found = entries_.find(server);
    if (found == entries_.end()) continue;
    auto& one = found->second;
    if (one.now == state::idle || (one.now == state::failed && !one.asked)) one.order = ++orders_;
    if (one.now == state::idle) one.now = state::wanted;
    one.asked = true;
  }
}

std::vector<std::string> discovery::start(time_point now) {
  std::vector<std::pair<std::uint64_t, std::string>> due;
  if (set_.when == mode::off) return {};
  for (const auto& [name, one] : entries_)
    if (is_due(one, now)) due.emplace_back(one.order, name);
  std::sort(due.begin(), due.end());
  const auto busy = under_way();
  due.resize(std::min(due.size(), set_.at_once - std::min(set_.at_once, busy)));
  std::vector<std::string> result;
  for (auto& [order, name] : due) {
    entries_.find(name)->second.now = state::under_way;
    result.push_back(std::move(name));
  }
  return result;
}

void discovery::fail(std::string_view server, time_point now) {
  const auto found = entries_.find(server);
  if (found == entries_.end()) return;
  auto& one = found->second;
  auto pause = set_.again;
  for (unsigned i = 0; i < one.failures && pause < set_.again_max; ++i) pause *= 2;
  one.now = state::failed;
  one.asked = false;
  one.failures = std::min(one.failures + 1, 64U);
  one.not_before = now + std::min(pause, set_.again_max);
}

std::optional<discovery::time_point> discovery::next_start(time_point now) const {
  std::optional<time_point> result;
  if (set_.when == mode::off || under_way() >= set_.at_once) return result;
  for (const auto& [name, one] : entries_) {
    std::optional<time_point> due;
    if (one.now == state::wanted) due = now;
    if (one.now == state::failed && one.asked) due = std::max(now, one.not_before);
    if (due && (!result || *due < *result)) result = due;
  }
  return result;
}

std::optional<discovery::time_point> discovery::waits_until(const std::vector<std::string>& servers,
                                                            time_point asked_at,
                                                            time_point now) const {
  const auto end = asked_at + set_.wait;
  if (set_.when == mode::off || now >= end) return std::nullopt;
  for (const auto& server : servers) {
    const auto found = entries_.find(server);
    if (found == entries_.end()) continue;
    if (found->second.now == state::under_way || is_due(found->second, now)) return end;
  }
  return std::nullopt;
}

std::size_t discovery::under_way() const {
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), [](auto& each) {
    return each.second.now == state::under_way;
  }));
}

}  // namespace greenroom::runtime::mcp
