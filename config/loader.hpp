// Loads YAML into the plain struct, strictly: reports every error, and loads nothing if there is
// one.
#pragma once

#include "config/node.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

/// One error and its position.
struct problem {
  std::string source;    ///< A file, `--set KEY` or `environment VARIABLE`.
  std::size_t line = 0;  ///< From 1; 0 where the source has no lines.
  std::size_t column = 0;
  std::string key;         ///< The whole path of the key, `pool.max_warm`; may be empty.
  std::string message;     ///< Without a full stop.
  std::string suggestion;  ///< The nearest valid key, name or value; may be empty.

  friend bool operator==(const problem&, const problem&) = default;
};

/// `FILE:LINE:COLUMN: pool.max_wram: unknown key; did you mean "max_warm"?`
std::string to_string(const problem& what);

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

/// Either a configuration or problems, never both or neither.
struct load_result {
  std::optional<node> value;
  std::vector<problem> problems;
  /// Valid but unlikely values; only with a configuration.
  std::vector<problem> warnings;

  explicit operator bool() const { return value.has_value(); }
};

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

/// Formats the effective configuration with every key, in the order of the README. With
/// `mask_secrets`, values of `env` with a secret-like key and passwords in URLs are replaced by
/// `***`. Without it, loading the text again gives the same configuration.
std::string to_yaml(const node& whole, bool mask_secrets = false);

/// One key of the configuration, for documentation. For lists and maps of named components the path
/// has the placeholder `NAME`.
struct key_description {
  std::string path;
  std::string type;
  std::string fallback;  ///< The default as in YAML; empty for required keys.
  std::string meaning;
};
std::vector<key_description> describe_keys();

/// Returns the candidate with the smallest edit distance, if it is similar enough.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace greenroom::config
