// `greenroom config`: checks a configuration, or shows the values that a node would use.
#include "apps/client/problem_line.hpp"
#include "apps/client/terminal.hpp"
#include "apps/client/verb.hpp"
#include "apps/verbs/source.hpp"
#include "config/description.hpp"
#include "config/loader.hpp"
#include "config/schema.hpp"
#include "config/writer.hpp"
#include "protocols/base/duration.hpp"

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdio>
#include <memory>
#include <type_traits>

namespace greenroom::apps {

namespace {

using ordered_json = nlohmann::ordered_json;

/// Writes the configuration as JSON, with the keys and units of the YAML. `describe` calls the
/// archive's members by name (config/description.hpp).
class json_archive {
public:
  ordered_json out = ordered_json::object();

  template <class T>
  void field(const char* key, const T& value, const char* /*meaning*/, config::rule = {}) {
    if constexpr (std::is_enum_v<T>) {
      out[key] = to_string(value);
    } else if constexpr (std::is_same_v<T, std::chrono::milliseconds>) {
      out[key] = base::format_duration(value);
    } else if constexpr (std::is_same_v<T, std::optional<std::chrono::milliseconds>>) {
      out[key] = value ? base::format_duration(*value) : "auto";
    } else {
      out[key] = value;
    }
  }
  template <class T>
  void expanded(const char* key, const T& value, const char* /*meaning*/) {
    out[key] = value;
  }
  void size(const char* key, std::uint64_t value, const char* /*meaning*/, config::rule) {
    out[key] = value;
  }
  template <class S>
  void section(const char* key, S& value, const char* /*meaning*/) {
    out[key] = of(value);
  }
  template <class S>
  void named(const char* key, std::vector<S>& values, const char* /*meaning*/) {
    out[key] = ordered_json::array();
    for (auto& each : values) out[key].push_back(of(each));
  }
  template <class S>
  void table(const char* key, std::map<std::string, S>& values, const char* /*meaning*/) {
    out[key] = ordered_json::object();
    for (auto& [name, value] : values) out[key][name] = of(value);
  }

private:
  template <class S>
  static ordered_json of(S& value) {
    json_archive inner;
    describe(inner, value);
    return std::move(inner.out);
  }
};

void print(const ordered_json& value) {
  std::puts(value.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

/// Prints the problems. Returns whether there are any.
bool refuse(const config::load_result& loaded, const configuration_source& source, bool as_json,
            outcome& result) {
  if (loaded) return false;
  say_problems(loaded.error());
  if (as_json) {
    print(
        {{"valid", false}, {"source", source.name()}, {"problems", problem_list(loaded.error())}});
  }
  result.code = wrong_usage;
  return true;
}

/// `415`, `66.5`
std::string megabytes(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

void check(const configuration_source& source, bool as_json, outcome& result) {
  const auto loaded = load_configuration(source);
  if (refuse(loaded, source, as_json, result)) return;
  const auto& whole = loaded->value;
  for (const auto& one : loaded->warnings)
    std::fprintf(stderr, "warning: %s\n", config::to_string(one).c_str());
  double nominal_mb = 0;
  std::size_t pinned = 0;
  for (const auto& group : whole.departments) {
    for (const auto& one : group.specialists) {
      nominal_mb += one.memory_mb;
      if (one.pin) ++pinned;
    }
  }
  if (as_json) {
    print({{"valid", true},
           {"source", source.name()},
           {"profile", whole.profile},
           {"specialists", config::count_specialists(whole)},
           {"departments", whole.departments.size()},
           {"workflows", whole.workflows.size()},
           {"commands", whole.commands.size()},
           {"max_warm", whole.pool.max_warm},
           {"pinned", pinned},
           {"memory_budget_mb", whole.pool.memory_budget_mb},
           {"nominal_memory_mb", nominal_mb},
           {"warnings", problem_list(loaded->warnings)}});
    return;
  }
  const auto budget = whole.pool.memory_budget_mb > 0
                          ? "at most " + megabytes(whole.pool.memory_budget_mb) + " MB"
                          : std::string{"no memory budget"};
  std::printf("%s: OK: %s in %s, %s, %s, %zu warm at most, %s (always warm: %s MB nominal)\n",
              source.name().c_str(),
              counted(config::count_specialists(whole), "specialist").c_str(),
              counted(whole.departments.size(), "department").c_str(),
              counted(whole.workflows.size(), "workflow").c_str(),
              counted(whole.commands.size(), "command").c_str(), whole.pool.max_warm,
              budget.c_str(), megabytes(nominal_mb).c_str());
}

void show(const configuration_source& source, bool as_json, bool secrets, outcome& result) {
  auto loaded = load_configuration(source);
  if (refuse(loaded, source, as_json, result)) return;
  auto& whole = loaded->value;
  if (!as_json) {
    std::fputs(config::to_yaml(whole, !secrets).c_str(), stdout);
    return;
  }
  // Only the YAML writer masks secrets, so its output is read back for JSON.
  if (!secrets) {
    auto masked = config::load_text(config::to_yaml(whole, true), "the masked configuration");
    if (!refuse(masked, source, false, result)) whole = std::move(masked->value);
  }
  json_archive archive;
  describe(archive, whole);
  print(archive.out);
}

void keys(bool as_json) {
  if (as_json) {
    ordered_json list = ordered_json::array();
    for (const auto& each : config::describe_keys()) {
      list.push_back({{"key", each.path},
                      {"type", each.type},
                      {"default", each.fallback},
                      {"meaning", each.meaning}});
    }
    print(list);
    return;
  }
  for (const auto& each : config::describe_keys()) {
    // On a terminal the meaning gets its own line, since keys are long.
    if (is_terminal())
      print_text(each.path + (each.fallback.empty() ? "" : "  " + each.fallback) + "\n    "
                 + each.meaning + "\n");
    else
      std::printf("%-56s %-18s %s\n", each.path.c_str(), each.fallback.c_str(),
                  each.meaning.c_str());
  }
}

struct arguments {
  configuration_source source;
  bool as_json = false;
  bool secrets = false;
};

/// Adds `check` or `show`, which take FILE or --profile NAME.
CLI::App* add_reading(CLI::App& verb, const char* name, const char* what,
                      const std::shared_ptr<arguments>& given) {
  auto* const sub = verb.add_subcommand(name, what);
  add_configuration_options(*sub, given->source);
  auto* const file = sub->add_option("FILE", given->source.file, "A configuration file (YAML)");
  file->excludes(sub->get_option("--profile"))->excludes(sub->get_option("--config"));
  sub->add_flag("--json", given->as_json, "Print JSON");
  return sub;
}

}  // namespace

void define_config(CLI::App& verb, outcome& result) {
  verb.description(
      "Check a configuration, or show the "
      "values in force");
  verb.require_subcommand(1);
  verb.footer("Example: greenroom config check my-node.yaml --set pool.max_warm=20");

  const auto given = std::make_shared<arguments>();
  auto* const checking =
      add_reading(verb, "check", "Report every error; exit code 2 when there is one", given);
  checking->footer("Example: greenroom config check my-node.yaml");
  auto* const showing =
      add_reading(verb, "show", "Print every key with the value that a node would use", given);
  showing->add_flag("--secrets", given->secrets, "Show values that look like secrets, too");
  showing->footer("Example: greenroom config show --profile core --set pool.cooldown=60s");
  auto* const listing = verb.add_subcommand("keys", "List every key, its default and meaning");
  listing->add_flag("--json", given->as_json, "Print JSON");
  listing->footer("Example: greenroom config keys");

  const auto from = [given] {
    // The default is the profile of `greenroom demo`.
    if (given->source.file.empty() && given->source.profile.empty()) {
      given->source.profile = "production";
    }
    return given->source;
  };
  checking->callback([=, &result] { check(from(), given->as_json, result); });
  showing->callback([=, &result] { show(from(), given->as_json, given->secrets, result); });
  listing->callback([=] { keys(given->as_json); });
}

}  // namespace greenroom::apps
