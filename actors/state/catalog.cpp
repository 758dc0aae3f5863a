#include "actors/state/catalog.hpp"

#include "protocols/base/edit_distance.hpp"

#include <algorithm>
#include <span>

namespace greenroom::actors {

namespace {

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

std::vector<std::string> catalog::nearest_command(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const auto& [known, route] : config.commands)
    if (names.size() < looked_at_max) names.push_back(known);
  return nearest_to(name, names);
}

}  // namespace greenroom::actors
