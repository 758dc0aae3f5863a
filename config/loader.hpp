// Loads YAML into the plain struct, strictly: reports every error, and loads nothing if there is
// one.
#pragma once

#include "config/node.hpp"
#include "config/problem.hpp"
#include "protocols/base/expected.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

/// All inputs beside the file. The loader reads nothing from the process itself.
struct load_options {
  /// The folders that `extends: NAME` searches for `NAME.yaml`, after the file's own folder.
  std::vector<std::filesystem::path> profile_dirs;
  /// `key.path=value`, applied in order, after the environment.
  std::vector<std::string> sets;
  /// The whole environment. Variables that begin with `GREENROOM_` override keys; the others expand
  /// `${NAME}` in `command`, `env`, `cwd` and `url`.
  std::map<std::string, std::string> environment;
};

struct loaded_node {
  node value;
  std::vector<problem> warnings;  ///< Valid but unlikely values.
};

/// A configuration, or every error of the file; never an empty list.
using load_result = base::expected<loaded_node, std::vector<problem>>;

load_result load_file(const std::filesystem::path& file, const load_options& options = {});

/// Loads text as if it were the file `source`. `extends` searches `profile_dirs` only.
load_result load_text(std::string_view text, const std::string& source,
                      const load_options& options = {});

/// Returns the file of a profile, from the first folder that has the file.
std::optional<std::filesystem::path> find_profile(
    std::string_view name, std::span<const std::filesystem::path> profile_dirs);

/// Returns the names of all profiles in these folders, sorted.
std::vector<std::string> list_profiles(std::span<const std::filesystem::path> profile_dirs);

/// Loads a profile by name; an unknown name is a problem that suggests the nearest one.
load_result load_profile(std::string_view name, const load_options& options);

}  // namespace greenroom::config
