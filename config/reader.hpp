// Reads the tree into the struct: checks types, ranges and unknown keys.
#pragma once

#include "config/tree.hpp"

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace greenroom::config {

/// Positions of values. The key is by index, `departments[0].specialists[3].priority`, so that two
/// entries of the same name have two positions.
class places {
public:
  struct place {
    mark at;
    std::string shown;  ///< The key path for people, with names instead of indices.
  };

  void note(std::string path, mark at, std::string shown);
  /// Returns the position of the path, or of the nearest written parent.
  place find(std::string_view path) const;
  /// True if the value was written, or came from `defaults` or an override.
  bool written(const std::string& path) const { return all_.contains(path); }

private:
  std::unordered_map<std::string, place> all_;
};

struct reading {
  const std::map<std::string, std::string>& environment;
  std::vector<problem>& problems;
  places& where;
};

/// Reads the whole tree. A wrong value is reported and keeps its default.
node read_node(const tree& whole, reading& context);

/// Reads the `defaults` of specialists, only to report errors.
void read_defaults(const tree& defaults, reading& context);

/// True if a name is valid in a path, a URL and a metric's label.
bool is_name(std::string_view text);

/// Checks rules over several keys: duplicate or unknown names, routes, conflicting limits.
void check(const node& whole, const places& where, std::vector<problem>& problems);

/// Warns about valid but unlikely values, such as times in an unusual order.
void advise(const node& whole, const places& where, std::vector<problem>& warnings);

}  // namespace greenroom::config
