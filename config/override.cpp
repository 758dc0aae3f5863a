// Applies values from the environment and the command line to the tree, before it is read.
#include "config/compose.hpp"
#include "protocols/base/edit_distance.hpp"
#include "protocols/base/utf8.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace greenroom::config {

namespace {

/// Sets the override's position for every value of the tree.
void stamp(tree& value, const mark& at) {
  value.at = at;
  for (auto& item : value.items) stamp(item, at);
  for (auto& entry : value.entries) {
    entry.at = at;
    stamp(entry.value, at);
  }
}

/// Parses lists and maps as in YAML, `[a, b]`; takes other text unchanged. Returns nothing for a
/// broken list or map, after a report.
std::optional<tree> value_of(const std::string& given, const mark& at, const std::string& key,
                             std::vector<problem>& problems) {
  // As in YAML, blanks around a value and quotes are not part of the value: container tools keep
  // both from env files.
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = given.find_first_not_of(blanks);
  const auto text = first == std::string::npos
                        ? std::string{}
                        : given.substr(first, given.find_last_not_of(blanks) - first + 1);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'')
      && text.back() == text.front()) {
    auto parsed = parse_tree(text, *at.source);
    if (parsed.problems.empty() && parsed.value.is == tree::kind::scalar) {
      stamp(parsed.value, at);
      return std::move(parsed.value);
    }
  }
  if (!text.empty() && (text.front() == '[' || text.front() == '{')) {
    auto parsed = parse_tree(text, *at.source);
    // An IPv6 address begins like a list and continues after the bracket.
    if (parsed.problems.empty()) {
      stamp(parsed.value, at);
      return std::move(parsed.value);
    }
    if (text.back() == ']' || text.back() == '}') {
      for (auto& each : parsed.problems) problems.push_back(problem_at(at, key, each.message));
      return std::nullopt;
    }
  }
  tree value;
  value.is = tree::kind::scalar;
  value.at = at;
  value.text = text;
  value.quoted = text.empty();
  return value;
}

bool decides_on_cast(std::string_view path) {
  const auto first = path.substr(0, path.find('.'));
  return first == "extends" || first == "only" || first == "drop" || first == "cast_size";
}

/// Sets one value in the tree, at a path such as `departments.BACKEND.restart.intensity`.
class setter {
public:
  setter(tree value, mark at, std::string whole, std::vector<problem>& problems)
      : value_{std::move(value)},
        at_{std::move(at)},
        whole_{std::move(whole)},
        problems_{problems} {}

  void section(tree& into, const schema& shape, std::string_view rest, const std::string& shown) {
    if (!can_hold(into, tree::kind::map)) return;
    const auto dot = rest.find('.');
    const auto key = rest.substr(0, dot);
    const auto* const child = shape.find(key);
    if (!child) {
      std::vector<std::string> known;
      for (const auto& each : shape.children) known.push_back(below(shown, each.key));
      unknown("unknown key", known, below(shown, key));
      return;
    }
    if (dot == std::string_view::npos) {
      if (child->is == schema::kind::section && value_.is != tree::kind::map) {
        std::vector<std::string> keys;
        for (const auto& each : child->children) keys.push_back(each.key);
        problems_.push_back(problem_at(at_, whole_, "is a section: name one of its keys",
                                       below(whole_, keys.empty() ? "" : keys.front())));
        return;
      }
      into.set(key, std::move(value_));
      return;
    }
    auto* next = into.find(key);
    if (!next) {
      tree made;
      made.at = at_;
      into.set(key, std::move(made));
      next = into.find(key);
    }
    descend(*next, *child, rest.substr(dot + 1), below(shown, key));
  }

private:
  void descend(tree& into, const schema& shape, std::string_view rest, const std::string& shown) {
    switch (shape.is) {
      case schema::kind::scalar:
        problems_.push_back(
            problem_at(at_, whole_, "unknown key: " + shown + " has none below it", shown));
        return;
      case schema::kind::section: section(into, shape, rest, shown); return;
      case schema::kind::texts:
        if (can_hold(into, tree::kind::map)) into.set(rest, std::move(value_));
        return;
      case schema::kind::table: table(into, shape, rest, shown); return;
      case schema::kind::named: named(into, shape, rest, shown); return;
    }
  }

  void named(tree& into, const schema& shape, std::string_view rest, const std::string& shown) {
    if (!can_hold(into, tree::kind::list)) return;
    tree* entry = nullptr;
    std::vector<std::string> names;
    for (auto& item : into.items) {
      const auto name = item.name();
      names.push_back(below(shown, name));
      // Names may contain dots, so the longest match wins.
      if (leads(rest, name) && (!entry || name.size() > entry->name().size())) entry = &item;
    }
    if (!entry) {
      unknown("no such entry", names, below(shown, rest.substr(0, rest.find('.'))));
      return;
    }
    const std::string name{entry->name()};
    if (rest.size() == name.size()) {
      problems_.push_back(problem_at(at_, whole_, "is a section: name one of its keys"));
      return;
    }
    section(*entry, shape, rest.substr(name.size() + 1), below(shown, name));
  }

  void table(tree& into, const schema& shape, std::string_view rest, const std::string& shown) {
    if (!can_hold(into, tree::kind::map)) return;
    auto key = rest.substr(0, rest.find('.'));
    for (const auto& entry : into.entries) {
      if (leads(rest, entry.key) && entry.key.size() > key.size())
        key = rest.substr(0, entry.key.size());
    }
    if (key.size() == rest.size()) {
      into.set(key, std::move(value_));
      return;
    }
    if (!into.find(key)) {
      tree made;
      made.at = at_;
      into.set(key, std::move(made));
    }
    section(*into.find(key), shape, rest.substr(key.size() + 1), below(shown, key));
  }

  static bool leads(std::string_view rest, std::string_view name) {
    return !name.empty() && rest.starts_with(name)
           && (rest.size() == name.size() || rest[name.size()] == '.');
  }

  /// True if the tree is of that kind, or empty. If not, the reader reports the error.
  static bool can_hold(tree& into, tree::kind kind) {
    if (into.is == tree::kind::nothing) into.is = kind;
    return into.is == kind;
  }

  void unknown(std::string message, const std::vector<std::string>& known,
               const std::string& asked) {
    // Compare only the last part: a long common prefix would make all keys similar.
    const auto prefix = asked.rfind('.') == std::string::npos ? 0 : asked.rfind('.') + 1;
    std::vector<std::string> last;
    last.reserve(known.size());
    for (const auto& each : known) last.push_back(each.substr(std::min(prefix, each.size())));
    std::string meant{base::nearest_of(std::string_view{asked}.substr(prefix), last)};
    if (!meant.empty()) {
      meant = asked.substr(0, prefix) + meant;
    } else {
      for (const auto& key : describe_keys()) {
        if (key.path.ends_with('.' + asked)) meant = key.path;
      }
    }
    problems_.push_back(problem_at(at_, asked, std::move(message), std::move(meant)));
  }

  tree value_;
  mark at_;
  std::string whole_;
  std::vector<problem>& problems_;
};

void assign(tree& whole, const std::string& path, const std::string& text, const mark& at,
            std::vector<problem>& problems) {
  auto value = value_of(text, at, path, problems);
  if (!value) return;
  setter{std::move(*value), at, path, problems}.section(whole, whole_schema(), path, {});
}

std::string as_variable(std::string_view key) {
  std::string name;
  for (const char c : key) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool kept = lower || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += !kept ? '_' : lower ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

/// Finds the keys that a variable's name may mean. Both `.` and `-` became `_`, so there may be
/// several.
class matcher {
public:
  /// Returns all paths whose variable is exactly `rest`.
  std::vector<std::string> match(const tree& whole, const std::string& rest) {
    wanted_ = rest;
    walk(&whole, whole_schema(), {}, {});
    return std::move(matches_);
  }

  /// Returns the variables of all keys.
  std::vector<std::string> all(const tree& whole) {
    everything_ = true;
    walk(&whole, whole_schema(), {}, {});
    return std::move(matches_);
  }

private:
  bool may_lead(const std::string& variable) const {
    return everything_
           || (wanted_.size() > variable.size() && wanted_.starts_with(variable)
               && wanted_[variable.size()] == '_');
  }

  static std::string join(const std::string& variable, std::string_view key) {
    return variable.empty() ? as_variable(key) : variable + '_' + as_variable(key);
  }

  void leaf(const std::string& path, const std::string& variable) {
    if (everything_) {
      matches_.push_back("GREENROOM_" + variable);
    } else if (wanted_ == variable) {
      matches_.push_back(path);
    }
  }

  void walk(const tree* at, const schema& shape, const std::string& path,
            const std::string& variable) {
    for (const auto& child : shape.children) {
      const auto name = join(variable, child.key);
      const auto below_path = below(path, child.key);
      const auto* const value = at ? at->find(child.key) : nullptr;
      if (child.is == schema::kind::scalar) {
        leaf(below_path, name);
      } else if (may_lead(name)) {
        enter(value, child, below_path, name);
      }
    }
  }

  void enter(const tree* value, const schema& shape, const std::string& path,
             const std::string& variable) {
    if (shape.is == schema::kind::section) {
      walk(value, shape, path, variable);
      return;
    }
    if (shape.is == schema::kind::texts) {
      const auto before = matches_.size();
      if (value) {
        for (const auto& entry : value->entries) {
          leaf(below(path, entry.key), join(variable, entry.key));
        }
      }
      // A variable of a worker that is not in the map yet.
      if (!everything_ && matches_.size() == before && wanted_.size() > variable.size() + 1) {
        matches_.push_back(below(path, wanted_.substr(variable.size() + 1)));
      }
      return;
    }
    if (!value) return;
    const auto each = [&](std::string_view name, const tree& entry) {
      if (name.empty()) return;
      const auto inner = join(variable, name);
      if (may_lead(inner)) walk(&entry, shape, below(path, name), inner);
    };
    for (const auto& item : value->items) each(item.name(), item);
    for (const auto& entry : value->entries) each(entry.key, entry.value);
  }

  std::string wanted_;
  bool everything_ = false;
  std::vector<std::string> matches_;
};

/// True for variables that have the prefix of an override but another purpose.
bool is_reserved(std::string_view variable) {
  // Set for workers, read by commands, or read by the build and the tests.
  constexpr std::string_view names[] = {
      "GREENROOM_NODE",   "GREENROOM_SHARED",   "GREENROOM_SPECIALIST", "GREENROOM_DEPARTMENT",
      "GREENROOM_POOL",   "GREENROOM_PROFILE",  "GREENROOM_CONFIG",     "GREENROOM_VERSION",
      "GREENROOM_TESTS",  "GREENROOM_SANITIZE", "GREENROOM_SOURCE_DIR", "GREENROOM_BINARY_DIR",
      "GREENROOM_PORT",   "GREENROOM_MARK",     "GREENROOM_NODE_MARK",  "GREENROOM_BUILD",
      "GREENROOM_NODE_ID"};
  // Kubernetes sets GREENROOM_SERVICE_HOST, GREENROOM_PORT_7117_TCP and the like in every pod for a
  // service called `greenroom`.
  constexpr std::string_view prefixes[] = {"GREENROOM_SERVICE_", "GREENROOM_PORT_",
                                           "GREENROOM_WORKER_", "GREENROOM_TEST_",
                                           "GREENROOM_BENCH_"};
  return std::ranges::find(names, variable) != std::end(names)
         || std::ranges::any_of(prefixes,
                                [&](auto prefix) { return variable.starts_with(prefix); });
}

}  // namespace

void apply_sets(tree& whole, const std::vector<std::string>& sets, override_pass pass,
                std::vector<problem>& problems) {
  for (const auto& each : sets) {
    const auto equals = each.find('=');
    const auto path = each.substr(0, equals);
    if (decides_on_cast(path) != (pass == override_pass::cast)) continue;
    const auto source = base::is_utf8(path) ? "--set " + path : "--set";
    const mark at{std::make_shared<const std::string>(source), 0, 0};
    if (!base::is_utf8(each)) {
      problems.push_back(problem_at(at, {}, "not UTF-8"));
      continue;
    }
    if (equals == std::string::npos || equals == 0) {
      problems.push_back(problem_at(at, path, "expected key.path=value"));
      continue;
    }
    assign(whole, path, each.substr(equals + 1), at, problems);
  }
}

void apply_environment(tree& whole, const std::map<std::string, std::string>& environment,
                       override_pass pass, std::vector<problem>& problems) {
  constexpr std::string_view prefix = "GREENROOM_";
  for (const auto& [variable, text] : environment) {
    if (!variable.starts_with(prefix) || is_reserved(variable)) continue;
    const auto matches = matcher{}.match(whole, variable.substr(prefix.size()));
    const bool cast = !matches.empty() && decides_on_cast(matches.front());
    if (cast != (pass == override_pass::cast)) continue;
    const mark at{std::make_shared<const std::string>("environment " + variable), 0, 0};
    if (matches.empty()) {
      problems.push_back(problem_at(at, {}, "overrides no key",
                                    std::string{base::nearest_of(variable, matcher{}.all(whole))}));
    } else if (matches.size() > 1) {
      problems.push_back(
          problem_at(at, matches[0], "may also mean " + matches[1] + "; use --set instead"));
    } else if (!base::is_utf8(text)) {
      problems.push_back(problem_at(at, matches.front(), "not UTF-8"));
    } else {
      assign(whole, matches.front(), text, at, problems);
    }
  }
}

}  // namespace greenroom::config
