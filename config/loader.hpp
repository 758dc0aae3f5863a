// From YAML to the plain struct, strictly: everything that is wrong is reported, and then nothing
// is loaded.
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

/// One thing that is wrong, and where.
struct problem {
  std::string source;    ///< A file, `--set KEY` or `environment VARIABLE`.
  std::size_t line = 0;  ///< From 1; 0 where the source has no lines.
  std::size_t column = 0;
  std::string key;         ///< The whole path of the key, `pool.max_warm`; may be empty.
  std::string message;     ///< Ends without a full stop.
  std::string suggestion;  ///< The nearest valid key, name or value; may be empty.

  friend bool operator==(const problem&, const problem&) = default;
};

/// `FILE:LINE:COLUMN: pool.max_wram: unknown key; did you mean "max_warm"?`
std::string to_string(const problem& what);

/// All that a configuration is made of besides the file. Nothing is read from the process itself.
struct load_options {
  /// Where `extends: NAME` finds `NAME.yaml`; the folder of the file itself comes first.
  std::vector<std::filesystem::path> profile_dirs;
  /// `key.path=value`, applied in order, after the environment.
  std::vector<std::string> sets;
  /// The whole environment. Variables that begin with `GREENROOM_` override keys; the others are
  /// what `${NAME}` in `command`, `env`, `cwd` and `url` stands for.
  std::map<std::string, std::string> environment;
};

/// Either a configuration or what is wrong, never both and never neither.
struct load_result {
  std::optional<node> value;
  std::vector<problem> problems;
  /// What may be meant and seldom is; only beside a configuration.
  std::vector<problem> warnings;

  explicit operator bool() const { return value.has_value(); }
};

load_result load_file(const std::filesystem::path& file, const load_options& options = {});

/// Loads text as if it were the file `source`. `extends` is looked up in `profile_dirs` only.
load_result load_text(std::string_view text, const std::string& source,
                      const load_options& options = {});

/// The file of a profile, from the first of the folders that has it.
std::optional<std::filesystem::path> find_profile(
    std::string_view name, std::span<const std::filesystem::path> profile_dirs);

/// The names of all profiles in these folders, sorted.
std::vector<std::string> list_profiles(std::span<const std::filesystem::path> profile_dirs);

/// Loads a profile by name; an unknown one is a problem that suggests the nearest.
load_result load_profile(std::string_view name, const load_options& options);

/// The configuration as it is in force, every key written out, in the order of the README. With
/// `mask_secrets`, values of `env` whose key sounds like a secret, and passwords in URLs, are
/// replaced by `***`. Without it, loading the text again gives the same configuration.
std::string to_yaml(const node& whole, bool mask_secrets = false);

/// One key of the configuration, for documentation. Inside lists and maps of named things the
/// path has the placeholder `NAME`.
struct key_description {
  std::string path;
  std::string type;
  std::string fallback;  ///< The default as it would be written; empty for required keys.
  std::string meaning;
};
std::vector<key_description> describe_keys();

/// The candidate with the smallest edit distance, when it is near enough to be meant.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace greenroom::config
