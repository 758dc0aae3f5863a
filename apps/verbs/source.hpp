// Where a verb that starts a node takes its configuration from, the same for all of them.
#pragma once

#include "apps/verbs/verb.hpp"
#include "config/loader.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace greenroom::apps {

/// What the command line says about the configuration.
struct configuration_source {
  std::string profile;
  std::string file;
  std::string listen;             ///< Overrides `listen` when set.
  std::string data;               ///< Overrides `data_dir` when set.
  std::vector<std::string> sets;  ///< `key.path=value`

  /// For people: `profile production` or the file.
  [[nodiscard]] std::string name() const;
};

/// Adds --profile, --config and --set.
void add_configuration_options(CLI::App& verb, configuration_source& source);

/// The folders in which profiles are looked for: beside the program in a build tree, then in an
/// installation, then where the program was built from.
std::vector<std::filesystem::path> profile_folders();

/// The folder of the running program; bundled workers are there too.
std::filesystem::path program_folder();

/// Loads it whole; what is wrong has been printed to stderr when nothing comes back.
std::optional<config::node> load_configuration(const configuration_source& source);
/// The same without printing.
config::load_result read_configuration(const configuration_source& source);

}  // namespace greenroom::apps
