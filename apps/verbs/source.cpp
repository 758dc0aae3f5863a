#include "apps/verbs/source.hpp"

#include "apps/client/problem_line.hpp"
#include "runtime/machine/process/launch.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>
#include <system_error>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to us.

namespace greenroom::apps {
namespace {

/// GREENROOM_ variables that are not configuration keys: those of clients, of workers (a worker may
/// start a node), and of tests.
bool is_not_a_key(std::string_view name) {
  constexpr std::array<std::string_view, 9> others = {
      "GREENROOM_PROFILE",    "GREENROOM_NODE",  "GREENROOM_SPECIALIST",
      "GREENROOM_DEPARTMENT", "GREENROOM_POOL",  "GREENROOM_MARK",
      "GREENROOM_SHARED",     "GREENROOM_BUILD", "GREENROOM_NODE_MARK"};
  for (const auto other : others)
    if (name == other) return true;
  return name.starts_with("GREENROOM_TEST_");
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> all;
  for (auto** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || is_not_a_key(text.substr(0, equals))) continue;
    all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

}  // namespace

std::string configuration_source::name() const {
  if (!file.empty()) return file;
  return "profile " + profile;
}

void add_configuration_options(CLI::App& verb, configuration_source& source) {
  auto* profile = verb.add_option("--profile", source.profile,
                                  "A cast and its limits, from config/profiles: core, vision, "
                                  "learning, tutoring, full, production, large, massive "
                                  "(else GREENROOM_PROFILE)");
  auto* file = verb.add_option("--config", source.file, "A configuration file (YAML)");
  profile->excludes(file);
  verb.parse_complete_callback([&source] {
    if (!source.profile.empty() || !source.file.empty()) return;
    if (const char* name = std::getenv("GREENROOM_PROFILE")) source.profile = name;
  });
  verb.add_option("--set", source.sets, "Override one key, as key.path=value; repeatable")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->expected(1);
}

std::filesystem::path program_folder() {
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return self.parent_path();
}

std::vector<std::filesystem::path> shipped_folders(const std::string& in_tree,
                                                   const std::string& installed,
                                                   const std::filesystem::path& source) {
  const auto here = program_folder();
  std::vector<std::filesystem::path> folders;
  for (const auto& candidate :
       {here / "../.." / in_tree, here / "../share/greenroom" / installed, source}) {
    std::error_code missing;
    const auto folder = std::filesystem::canonical(candidate, missing);
    if (!missing && std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
  }
  return folders;
}

std::vector<std::filesystem::path> profile_folders() {
  return shipped_folders("config/profiles", "profiles", GREENROOM_PROFILES);
}

namespace {

/// Warns about commands whose program is missing. Not an error: a file may be checked on another
/// machine.
void warn_of_missing_programs(const config::node& whole, const std::string& source,
                              std::vector<config::problem>& warnings) {
  const char* path = std::getenv("PATH");
  for (const auto& group : whole.departments)
    for (const auto& one : group.specialists) {
      const auto& backend = one.backend;
      if (backend.command.empty() || backend.env.contains("PATH")) continue;
      const auto& program = backend.command.front();
      // A relative path refers to a folder that may not exist yet.
      if (program.find('/') != program.npos && program.front() != '/') continue;
      if (!machine::find_program(program, program_folder(), path == nullptr ? "" : path).empty())
        continue;
      config::problem missing;
      missing.source = source;
      missing.key = one.name + ".backend.command";
      missing.message = "there is no program \"" + backend.command.front()
                        + "\" on this machine: install it, or give its full path";
      warnings.push_back(std::move(missing));
    }
}

}  // namespace

config::load_result load_configuration(const configuration_source& source) {
  config::load_options options;
  options.profile_dirs = profile_folders();
  options.sets = source.sets;
  if (!source.listen.empty()) options.sets.push_back("listen=" + source.listen);
  if (!source.data.empty()) options.sets.push_back("data_dir=" + source.data);
  options.environment = environment();
  auto loaded = source.file.empty() ? config::load_profile(source.profile, options)
                                    : config::load_file(source.file, options);
  if (loaded) warn_of_missing_programs(loaded->value, source.name(), loaded->warnings);
  return loaded;
}

int refuse_configuration(const std::vector<config::problem>& problems) {
  say_problems(problems);
  return wrong_usage;
}

void print_warnings(const std::vector<config::problem>& warnings) {
  for (const auto& one : warnings)
    std::fprintf(stderr, "greenroom: warning: %s\n", config::to_string(one).c_str());
}

}  // namespace greenroom::apps
