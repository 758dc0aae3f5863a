// YAML as it was written: every node knows its line, and duplicate keys are still there.
//
// yaml-cpp's own `YAML::Node` drops the place of keys and lets the last of two equal keys win in
// silence, so the loader builds this from the parser's events.
#pragma once

#include "config/loader.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::config {

struct mark {
  std::shared_ptr<const std::string> source;
  std::size_t line = 0;  ///< From 1; 0 where the source has no lines.
  std::size_t column = 0;
};

struct tree_entry;

struct tree {
  enum class kind : std::uint8_t { nothing, scalar, list, map };

  kind is = kind::nothing;
  mark at;
  std::string text;     ///< Of a scalar.
  bool quoted = false;  ///< Only where nothing else says what it is does it matter.
  std::vector<tree> items;
  std::vector<tree_entry> entries;  ///< Of a map, in order.

  /// The value under a key; nullptr when this is not a map or has no such key.
  tree* find(std::string_view key);
  const tree* find(std::string_view key) const;
  /// Makes this a map when it is nothing; sets or replaces the value under a key.
  void set(std::string_view key, tree value);
  void erase(std::string_view key);
  /// The scalar under `name`, or nothing: how elements of named lists are told apart.
  std::string_view name() const;
};

struct tree_entry {
  std::string key;
  mark at;  ///< Of the key.
  tree value;
  bool merges = false;  ///< A `<<` that has not been merged yet.
};

/// A problem at that place.
problem problem_at(const mark& at, std::string key, std::string message,
                   std::string suggestion = {});

/// `path.key`, or the key alone at the top.
std::string below(const std::string& path, std::string_view key);

/// What it is, for messages: `a list`, `"abc"`.
std::string describe_value(const tree& value);

/// A key whose value is the file's own business, as in Compose files: `x-` and anything.
bool is_extension(std::string_view key);

/// Parses one YAML document, or JSON. What `<<` names is merged into the map (its own keys win,
/// then the earlier ones of a list). Problems are syntax errors, bytes that are not UTF-8, several
/// documents, tags, keys that are not scalars, too many nodes or levels, and duplicate keys.
/// Nothing is thrown.
tree parse_tree(std::string_view text, const std::string& source, std::vector<problem>& problems);

}  // namespace greenroom::config
