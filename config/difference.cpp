#include "config/difference.hpp"

#include "config/description.hpp"
#include "config/words.hpp"
#include "protocols/base/duration.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <map>
#include <set>
#include <type_traits>
#include <utility>

namespace greenroom::config {

namespace {

/// Lists every key outside the cast as text, in order.
class flattener {
public:
  std::vector<std::pair<std::string, std::string>> keys;

  template <class T>
  void field(const char* key, const T& value, const char* /*meaning*/, rule = {}) {
    keys.emplace_back(prefix_ + key, text(value));
  }
  void size(const char* key, std::uint64_t value, const char* /*meaning*/, rule) {
    keys.emplace_back(prefix_ + key, base::format_size(value));
  }
  template <class S>
  void section(const char* key, S& value, const char* /*meaning*/) {
    const auto outer = prefix_;
    prefix_ += std::string{key} + '.';
    describe(*this, value);
    prefix_ = outer;
  }
  // The cast, commands and workflows are compared by name, not by key.
  template <class S>
  void named(const char*, std::vector<S>&, const char*) {}
  template <class S>
  void table(const char*, std::map<std::string, S>&, const char*) {}

private:
  static std::string text(bool value) { return value ? "true" : "false"; }
  static std::string text(double value) {
    char digits[32];
    return {digits, std::to_chars(std::begin(digits), std::end(digits), value).ptr};
  }
  template <std::unsigned_integral T>
  static std::string text(T value) {
    return std::to_string(value);
  }
  static std::string text(std::chrono::milliseconds value) { return base::format_duration(value); }
  static std::string text(const std::optional<std::chrono::milliseconds>& value) {
    return value ? base::format_duration(*value) : "auto";
  }
  static std::string text(const std::string& value) { return value; }
  static std::string text(const std::vector<std::string>& values) {
    std::string all;
    for (const auto& each : values) all += (all.empty() ? "" : ", ") + each;
    return '[' + all + ']';
  }
  template <class T>
  requires std::is_enum_v<T>
  static std::string text(T value) { return std::string{word_of(value)}; }

  std::string prefix_;
};

/// Keys that only a new process can apply: socket, files, threads, pool mode and policy.
bool is_fixed(std::string_view path) {
  constexpr std::string_view fixed[] = {"listen",
                                        "data_dir",
                                        "io_threads",
                                        "scheduler.threads",
                                        "scheduler.max_throughput",
                                        "pool.mode",
                                        "pool.policy",
                                        "prediction.usage_decay",
                                        "limits.request_bytes",
                                        "limits.connections",
                                        "limits.upload_bytes",
                                        "limits.unsent_bytes",
                                        "limits.header_timeout",
                                        "limits.idle_timeout",
                                        "journal.fsync"};
  return std::ranges::find(fixed, path) != std::end(fixed);
}

struct member {
  const specialist* one = nullptr;
  const department* of = nullptr;
};

std::map<std::string, member> members(const node& whole) {
  std::map<std::string, member> all;
  for (const auto& group : whole.departments) {
    for (const auto& one : group.specialists) all[one.name] = {&one, &group};
  }
  return all;
}

}  // namespace

difference compare(const node& before, const node& after) {
  difference result;
  const auto old_cast = members(before);
  const auto new_cast = members(after);
  for (const auto& group : before.departments) {
    for (const auto& one : group.specialists) {
      if (!new_cast.contains(one.name)) result.removed.push_back(one.name);
    }
    const auto* const now = find_department(after, group.name);
    if (!now || now->restart != group.restart) result.departments_changed.push_back(group.name);
  }
  for (const auto& group : after.departments) {
    for (const auto& one : group.specialists) {
      const auto old = old_cast.find(one.name);
      if (old == old_cast.end()) {
        result.added.push_back(one.name);
      } else if (*old->second.one != one || old->second.of->name != group.name) {
        result.changed.push_back(one.name);
      }
    }
    if (!find_department(before, group.name)) result.departments_changed.push_back(group.name);
  }
  result.commands = before.commands != after.commands;
  result.workflows = before.workflows != after.workflows;
  flattener old_keys;
  flattener new_keys;
  // `describe` takes a mutable struct, so it gets a copy.
  const auto flatten = [](flattener& into, const node& whole) {
    auto copy = whole;
    describe(into, copy);
  };
  flatten(old_keys, before);
  flatten(new_keys, after);
  for (std::size_t at = 0; at < old_keys.keys.size(); ++at) {
    const auto& [path, old_value] = old_keys.keys[at];
    const auto& new_value = new_keys.keys[at].second;
    if (old_value == new_value) continue;
    result.keys.push_back({path, old_value, new_value});
    if (is_fixed(path)) result.needs_restart.push_back(path);
  }
  return result;
}

bool same_worker(const specialist& before, const specialist& after) {
  const auto baked = [](const specialist& one) {
    auto copy = one.backend;
    const backend any;
    copy.concurrency = any.concurrency;
    copy.side_effects = any.side_effects;
    copy.start_timeout = any.start_timeout;
    copy.task_timeout = any.task_timeout;
    copy.stop_timeout = any.stop_timeout;
    return copy;
  };
  return before.name == after.name && baked(before) == baked(after);
}

std::string to_string(const difference& change) {
  std::string text;
  const auto say = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  const auto count = [&](std::size_t number, std::string_view what) {
    if (number == 0) return;
    say(std::to_string(number) + (number == 1 ? " specialist " : " specialists ")
        + std::string{what});
  };
  count(change.added.size(), "added");
  count(change.removed.size(), "removed");
  count(change.changed.size(), "changed");
  for (const auto& name : change.departments_changed) say("department " + name + " changed");
  if (change.commands) say("commands changed");
  if (change.workflows) say("workflows changed");
  for (const auto& key : change.keys) say(key.path + ' ' + key.before + " → " + key.after);
  return text.empty() ? "nothing changed" : text;
}

}  // namespace greenroom::config
