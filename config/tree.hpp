// YAML as written: every node has its line, and duplicate keys are kept.
//
// yaml-cpp's own `YAML::Node` drops the position of keys and silently lets the last of two equal
// keys win, so the loader builds this tree from the parser's events.
#pragma once

#include "config/problem.hpp"

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
  std::string text;     ///< For a scalar.
  bool quoted = false;  ///< Matters only where the expected type does not decide.
  std::vector<tree> items;
  std::vector<tree_entry> entries;  ///< For a map, in order.

  /// Returns the value of a key; nullptr when this is not a map or has no such key.
  tree* find(std::string_view key);
  const tree* find(std::string_view key) const;
  /// Sets or replaces the value of a key; turns `nothing` into a map.
  void set(std::string_view key, tree value);
  void erase(std::string_view key);
  /// Returns the scalar under `name`, or nothing: identifies elements of named lists.
  std::string_view name() const;
};

struct tree_entry {
  std::string key;
  mark at;  ///< The key's position.
  tree value;
  bool merges = false;  ///< A `<<` that is not merged yet.
};

/// Makes a problem at a position.
problem problem_at(const mark& at, std::string key, std::string message,
                   std::string suggestion = {});

/// `path.key`, or the key alone at the top level.
std::string below(const std::string& path, std::string_view key);

/// Describes a value for messages: `a list`, `"abc"`.
std::string describe_value(const tree& value);

/// True for a key that begins with `x-`: ignored, as in Compose files.
bool is_extension(std::string_view key);

/// A tree, and what is wrong with the text. Duplicate keys leave the tree usable, so that a reader
/// can report further problems; after any other problem the tree is empty.
struct parsed_tree {
  tree value;
  std::vector<problem> problems;
};

/// Parses one YAML document, or JSON. Maps named by `<<` are merged (the map's own keys win, then
/// earlier maps of a list). Problems are syntax errors, invalid UTF-8, several documents, tags,
/// keys that are not scalars, too many nodes or levels, and duplicate keys. Never throws.
parsed_tree parse_tree(std::string_view text, const std::string& source);

}  // namespace greenroom::config
