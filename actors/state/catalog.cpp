#include "actors/state/catalog.hpp"

#include "actors/state/tool_offers.hpp"
#include "config/difference.hpp"
#include "protocols/base/edit_distance.hpp"

#include <algorithm>
#include <span>

namespace greenroom::actors {

namespace {

constexpr std::uint32_t inline_width = 64;
constexpr std::size_t looked_at_max = 5000;  // A wrong name must not cost a large cast much.

std::vector<std::string> nearest_to(std::string_view name,
                                    std::span<const std::string_view> among) {
  constexpr std::size_t wanted = 3;
  constexpr std::size_t name_max = 200;  // Longer than any name; to compare it would take a while.
  if (name.size() > name_max) return {};
  std::vector<std::pair<std::size_t, std::string_view>> ranked;
  for (const auto known : among)
    ranked.emplace_back(base::edit_distance(name, known, base::names_alike), known);
  std::ranges::sort(ranked);
  std::vector<std::string> result;
  for (const auto& [far, known] : ranked) {
    if (result.size() == wanted) break;
    result.emplace_back(known);
  }
  return result;
}

// Departments without anybody, which are not in the configuration any more and whose numbers are
// all free.
std::vector<std::uint32_t> idle_departments(
    const catalog& fresh, const catalog* before,
    const std::vector<std::vector<std::uint32_t>>& reusable) {
  std::vector<std::uint32_t> result;
  if (before == nullptr) return result;
  for (std::uint32_t i = 0; i < before->departments.size(); ++i)
    if (config::find_department(fresh.config, before->departments[i]) == nullptr
        && before->department_members[i].size() == reusable[i].size())
      result.push_back(i);
  return result;
}

protocols::side_effects effects_of(const config::backend& from) {
  // The worst that it may do, until the tool is known that is called.
  if (decided_by_tool(from)) return protocols::side_effects::unsafe;
  if (from.side_effects == base::side_effects::by_protocol) return base::side_effects::idempotent;
  return from.side_effects;
}

}  // namespace

member::member(const config::specialist& of)
    : config{of},
      task_timeout_ns{
          std::chrono::nanoseconds{of.backend.task_timeout.value_or(config::task_timeout_default)}
              .count()},
      start_beside{!of.backend.task_timeout} {
  if (of.name.size() > letters_.size()) return;
  length_ = static_cast<std::uint8_t>(of.name.size());
  of.name.copy(letters_.data(), letters_.size());
}

bool member::is_called_at_length(std::string_view name) const {
  return name == config.name || std::ranges::find(config.aliases, name) != config.aliases.end();
}

std::vector<std::string> catalog::nearest(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const auto& one : members) {
    if (one.gone) continue;
    if (names.size() >= looked_at_max) break;
    names.emplace_back(one.config.name);
    names.insert(names.end(), one.config.aliases.begin(), one.config.aliases.end());
  }
  return nearest_to(name, names);
}

std::vector<std::string> catalog::nearest_department(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const auto& one : config.departments)
    if (names.size() < looked_at_max) names.push_back(one.name);
  return nearest_to(name, names);
}

std::vector<std::string> catalog::nearest_command(std::string_view word) const {
  std::vector<std::string_view> words;
  for (const auto& [known, route] : config.commands)
    if (words.size() < looked_at_max) words.push_back(known);
  return nearest_to(word, words);
}

std::shared_ptr<const catalog> make_catalog(config::node config, const catalog* before,
                                            const std::function<bool(std::string_view)>& is_inline,
                                            const std::vector<std::uint32_t>& vacant) {
  auto fresh = std::make_shared<catalog>();
  fresh->config = std::move(config);
  if (before != nullptr) {
    fresh->generation = before->generation + 1;
    fresh->departments = before->departments;
    fresh->definitions = before->definitions;
    fresh->departed = before->departed;
    fresh->born = before->born;
    fresh->left = before->left;
    fresh->members.reserve(before->members.size());
    for (std::size_t i = 0; i < before->members.size(); ++i) {
      const auto& then = before->members[i];
      auto& what = fresh->departed[i];
      if (!what) {
        what = std::make_shared<config::specialist>(then.config);
        fresh->left[i] = fresh->generation;
      }
      auto& now = fresh->members.emplace_back(*what);
      now.department = then.department;
      now.width = then.width;
      now.pending = then.pending;
      now.effects = then.effects;
      now.inline_function = then.inline_function;
      now.gone = true;
    }
  }
  const auto same_worker = [&](std::uint32_t who, const config::specialist& now) {
    return config::same_worker(before->members[who].config, now)
           && before->config.limits.output_bytes == fresh->config.limits.output_bytes;
  };
  fresh->department_members.resize(fresh->departments.size());
  for (std::uint32_t i = 0; i < fresh->departments.size(); ++i)
    fresh->by_department.emplace(fresh->departments[i], i);
  catalog::index known;
  for (std::uint32_t i = 0; i < fresh->members.size(); ++i)
    known.emplace(
        fresh->departments[fresh->members[i].department] + '/' + fresh->members[i].config.name, i);
  // By department: its numbers that may be used again.
  std::vector<std::vector<std::uint32_t>> reusable(fresh->departments.size());
  const auto comes_back = [&](std::uint32_t who) {
    const auto* const group = config::find_department(fresh->config, before->department_of(who));
    return group != nullptr
           && std::ranges::find(group->specialists, before->name_of(who), &config::specialist::name)
                  != group->specialists.end();
  };
  for (const auto who : vacant)
    if (!comes_back(who)) reusable[fresh->members[who].department].push_back(who);
  auto idle = idle_departments(*fresh, before, reusable);
  for (const auto& department : fresh->config.departments) {
    if (!idle.empty() && !fresh->by_department.contains(department.name)) {
      const auto which = idle.back();
      idle.pop_back();
      fresh->by_department.erase(fresh->departments[which]);
      fresh->departments[which] = department.name;
      fresh->by_department.emplace(department.name, which);
    }
    const auto [place, is_new] = fresh->by_department.emplace(
        department.name, static_cast<std::uint32_t>(fresh->departments.size()));
    if (is_new) {
      fresh->departments.push_back(department.name);
      fresh->department_members.emplace_back();
      reusable.emplace_back();
    }
    for (const auto& one : department.specialists) {
      member now{one};
      now.department = place->second;
      now.effects = effects_of(one.backend);
      now.inline_function = is_inline && is_inline(one.name);
      // A callable that runs on the spot is through with each task before it gets the next.
      now.width =
          now.inline_function ? inline_width : static_cast<std::uint32_t>(one.backend.concurrency);
      // What is handed out may be written down as begun, so what must not be done twice is not
      // handed out ahead.
      const bool ahead = !now.inline_function && now.effects != protocols::side_effects::unsafe;
      now.pending = now.width + (ahead ? 1 : 0);
      const auto old = known.find(department.name + '/' + one.name);
      if (old != known.end()) {
        const auto who = old->second;
        fresh->members[who] = now;
        fresh->departed[who].reset();
        if (!same_worker(who, one)) fresh->definitions[who] = fresh->generation;
      } else if (auto& places = reusable[place->second]; !places.empty()) {
        const auto who = places.back();
        places.pop_back();
        fresh->members[who] = now;
        fresh->departed[who].reset();
        fresh->definitions[who] = fresh->born[who] = fresh->generation;
      } else {
        fresh->members.push_back(now);
        fresh->departed.emplace_back();
        fresh->born.push_back(fresh->generation);
        fresh->left.push_back(0);
        fresh->definitions.push_back(fresh->generation);
      }
    }
  }
  std::size_t names = 0;
  for (const auto& one : fresh->members) names += one.gone ? 0 : 1 + one.config.aliases.size();
  fresh->by_name = name_index{names};
  for (std::uint32_t i = 0; i < fresh->members.size(); ++i) {
    auto& one = fresh->members[i];
    one.position = static_cast<std::uint32_t>(fresh->department_members[one.department].size());
    fresh->department_members[one.department].push_back(i);
    if (one.gone) continue;
    fresh->by_name.add(one.config.name, i);
    for (const auto& alias : one.config.aliases) fresh->by_name.add(alias, i);
  }
  for (auto& one : fresh->members)
    one.fallback = one.config.fallback.empty() ? catalog::nobody : fresh->find(one.config.fallback);
  for (const auto& flow : fresh->config.workflows) {
    auto& steps = fresh->workflows.emplace_back();
    for (const auto& step : flow.steps) steps.push_back(fresh->find(step));
  }
  return fresh;
}

}  // namespace greenroom::actors
