#include "config/compose.hpp"

#include "protocols/base/edit_distance.hpp"
#include "protocols/base/number.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace greenroom::config {

namespace {

void merge_named(tree& base, tree over, const schema& shape) {
  // Merge each earlier item at most once: a name that `over` has twice stays twice, and is reported
  // as a duplicate.
  const auto before = base.items.size();
  std::set<std::size_t> merged;
  for (auto& item : over.items) {
    const auto name = item.name();
    std::size_t at = 0;
    while (at < before && (name.empty() || base.items[at].name() != name || merged.contains(at))) {
      ++at;
    }
    if (at == before) {
      base.items.push_back(std::move(item));
    } else {
      merged.insert(at);
      schema section = {schema::kind::section, {}, {}, {}, {}, shape.children};
      merge(base.items[at], std::move(item), section);
    }
  }
}

tree* specialists_of(tree& department) {
  auto* const found = department.find("specialists");
  return found && found->is == tree::kind::list ? found : nullptr;
}

/// Returns the list of departments, if there is one.
tree* departments_of(tree& whole) {
  auto* const found = whole.find("departments");
  return found && found->is == tree::kind::list ? found : nullptr;
}

/// Returns the texts of a list; reports other items.
std::vector<std::string> texts_of(const tree& list, const std::string& key,
                                  std::vector<problem>& problems) {
  std::vector<std::string> texts;
  if (list.is != tree::kind::list) {
    problems.push_back(problem_at(list.at, key, "expected a list, found " + describe_value(list)));
    return texts;
  }
  for (const auto& item : list.items) {
    if (item.is == tree::kind::scalar) {
      texts.push_back(item.text);
    } else {
      problems.push_back(
          problem_at(item.at, key, "expected a text, found " + describe_value(item)));
    }
  }
  return texts;
}

/// Returns all names and aliases of the cast.
std::set<std::string, std::less<>> names_of(tree& whole) {
  std::set<std::string, std::less<>> names;
  auto* const departments = departments_of(whole);
  if (!departments) return names;
  for (auto& department : departments->items) {
    auto* const members = specialists_of(department);
    if (!members) continue;
    for (const auto& one : members->items) {
      names.emplace(one.name());
      if (const auto* const aliases = one.find("aliases")) {
        for (const auto& alias : aliases->items) names.insert(alias.text);
      }
    }
  }
  return names;
}

void forget_what_is_gone(tree& whole, tree& departments) {
  std::erase_if(departments.items, [](tree& department) {
    const auto* const members = specialists_of(department);
    return members && members->items.empty();
  });
  const auto names = names_of(whole);
  std::set<std::string, std::less<>> department_names;
  for (auto& department : departments.items) {
    department_names.emplace(department.name());
    if (auto* const members = specialists_of(department)) {
      for (auto& one : members->items) {
        const auto* const fallback = one.find("fallback");
        if (fallback && !names.contains(fallback->text)) one.erase("fallback");
      }
    }
  }
  if (auto* const workflows = whole.find("workflows")) {
    std::erase_if(workflows->items, [&](const tree& workflow) {
      const auto* const steps = workflow.find("steps");
      return steps && std::ranges::any_of(steps->items, [&](const tree& step) {
               return !names.contains(step.text);
             });
    });
  }
  if (auto* const commands = whole.find("commands")) {
    std::erase_if(commands->entries, [&](const tree_entry& command) {
      const auto* const department = command.value.find("department");
      const auto* const specialist = command.value.find("specialist");
      return (department && !department->text.empty()
              && !department_names.contains(department->text))
             || (specialist && !specialist->text.empty() && !names.contains(specialist->text));
    });
  }
}

}  // namespace

void merge(tree& base, tree over, const schema& shape) {
  switch (shape.is) {
    case schema::kind::scalar: base = std::move(over); return;
    case schema::kind::named:
      if (over.is == tree::kind::nothing) return;
      if (base.is != tree::kind::list || over.is != tree::kind::list) break;
      merge_named(base, std::move(over), shape);
      return;
    case schema::kind::section:
    case schema::kind::table:
    case schema::kind::texts:
      if (over.is == tree::kind::nothing) return;
      if (base.is != tree::kind::map || over.is != tree::kind::map) break;
      for (auto& entry : over.entries) {
        auto* const present = base.find(entry.key);
        const auto* const child = shape.find(entry.key);
        if (!present) {
          base.entries.push_back(std::move(entry));
        } else if (shape.is == schema::kind::section && child) {
          merge(*present, std::move(entry.value), *child);
        } else {
          *present = std::move(entry.value);
        }
      }
      base.at = over.at;
      return;
  }
  base = std::move(over);
}

void cut_cast(tree& whole, std::vector<problem>& problems) {
  auto* const departments = departments_of(whole);
  bool cut = false;
  for (const std::string key : {"only", "drop"}) {
    const auto* const list = whole.find(key);
    if (!list) continue;
    const auto chosen = texts_of(*list, key, problems);
    std::vector<std::string> names;
    if (departments) {
      for (auto& department : departments->items) {
        auto* const members = specialists_of(department);
        if (!members) continue;
        for (const auto& one : members->items) names.emplace_back(one.name());
      }
    }
    for (std::size_t at = 0; at < chosen.size() && at < list->items.size(); ++at) {
      if (std::ranges::find(names, chosen[at]) != names.end()) continue;
      problems.push_back(problem_at(list->items[at].at, key + '[' + std::to_string(at) + ']',
                                    "no specialist is called \"" + chosen[at] + '"',
                                    std::string{base::nearest_of(chosen[at], names)}));
    }
    const std::set<std::string, std::less<>> set{chosen.begin(), chosen.end()};
    const bool kept = key == "only";
    if (departments) {
      for (auto& department : departments->items) {
        auto* const members = specialists_of(department);
        if (!members) continue;
        std::erase_if(members->items,
                      [&](const tree& one) { return set.contains(one.name()) != kept; });
      }
    }
    whole.erase(key);
    cut = true;
  }
  if (cut && departments) forget_what_is_gone(whole, *departments);
}

void repeat_cast(tree& whole, std::vector<problem>& problems) {
  // A node cannot start processes for more specialists than this.
  constexpr std::size_t cast_max = 10'000;
  const auto* const wanted = whole.find("cast_size");
  if (!wanted) return;
  const auto parsed = base::parse_number<std::size_t>(wanted->text);
  if (wanted->is != tree::kind::scalar || !parsed) {
    problems.push_back(problem_at(wanted->at, "cast_size",
                                  "expected a whole number, found " + describe_value(*wanted)));
    return;
  }
  const auto size = *parsed;
  struct member {
    std::size_t department;
    std::size_t position;
  };
  std::vector<member> cast;
  auto* const departments = departments_of(whole);
  if (departments) {
    for (std::size_t d = 0; d < departments->items.size(); ++d) {
      const auto* const members = specialists_of(departments->items[d]);
      for (std::size_t s = 0; members && s < members->items.size(); ++s) cast.push_back({d, s});
    }
  }
  if (size < cast.size() || size > cast_max || cast.empty()) {
    problems.push_back(problem_at(wanted->at, "cast_size",
                                  "must be between " + std::to_string(cast.size())
                                      + ", the specialists that have names, and "
                                      + std::to_string(cast_max) + ", not " + wanted->text));
    return;
  }
  for (std::size_t at = cast.size(); at < size; ++at) {
    const auto& [department, position] = cast[at % cast.size()];
    auto* const members = specialists_of(departments->items[department]);
    auto copy = members->items[position];
    if (auto* const name = copy.find("name"); name && name->is == tree::kind::scalar) {
      name->text += '-' + std::to_string(at / cast.size() + 1);
    }
    copy.erase("aliases");  // A name must be unique.
    members->items.push_back(std::move(copy));
  }
}

void fill_defaults(tree& whole) {
  auto* const departments = departments_of(whole);
  if (!departments) return;
  const auto* const supervision = whole.find("supervision");
  const auto* const defaults = whole.find("defaults");
  const auto* const shape = whole_schema().find("defaults");
  for (auto& department : departments->items) {
    if (department.is != tree::kind::map) continue;
    for (const auto& [from, to] : {std::pair{"restarts_max", "intensity"}, {"window", "window"}}) {
      const auto* const given = supervision ? supervision->find(from) : nullptr;
      if (!given) continue;
      if (!department.find("restart")) {
        tree made;
        made.is = tree::kind::map;
        made.at = department.at;
        department.set("restart", std::move(made));
      }
      auto* const restart = department.find("restart");
      if (restart->is == tree::kind::nothing) restart->is = tree::kind::map;
      if (restart->is == tree::kind::map && !restart->find(to)) restart->set(to, *given);
    }
    auto* const members = specialists_of(department);
    if (!members || !defaults || defaults->is != tree::kind::map) continue;
    for (auto& one : members->items) {
      if (one.is != tree::kind::map) continue;
      auto filled = *defaults;
      filled.at = one.at;
      merge(filled, std::move(one), *shape);
      one = std::move(filled);
    }
  }
}

}  // namespace greenroom::config
