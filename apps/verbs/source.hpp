// Where a verb that starts a node takes its configuration from.
#pragma once

#include "apps/client/verb.hpp"
#include "config/loader.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace greenroom::apps {

/// The command line's options for the configuration.
struct configuration_source {
  std::string profile;
  std::string file;
  std::string listen;             ///< Overrides `listen` when set.
  std::string data;               ///< Overrides `data_dir` when set.
  std::vector<std::string> sets;  ///< `key.path=value`

  /// `profile production` or the file's path, for messages.
  [[nodiscard]] std::string name() const;
};

/// Adds --profile, --config and --set.
void add_configuration_options(CLI::App& verb, configuration_source& source);

/// The folders of something that ships with the program, without folders that do not exist:
/// `in_tree` from the top of a build's source tree, `installed` from the installation's share
/// folder, then `source`.
std::vector<std::filesystem::path> shipped_folders(const std::string& in_tree,
                                                   const std::string& installed,
                                                   const std::filesystem::path& source);

/// The folders searched for profiles.
std::vector<std::filesystem::path> profile_folders();

/// The folder of the running program, which also holds the bundled workers.
std::filesystem::path program_folder();

/// Loads and checks the configuration.
config::load_result load_configuration(const configuration_source& source);

/// Prints the problems to stderr and returns the exit code.
int refuse_configuration(const std::vector<config::problem>& problems);
/// Prints the warnings to stderr.
void print_warnings(const std::vector<config::problem>& warnings);

}  // namespace greenroom::apps
