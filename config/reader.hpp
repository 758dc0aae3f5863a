// From the tree to the struct: types, ranges and unknown keys.
#pragma once

#include "config/tree.hpp"

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace greenroom::config {

/// Where a value stood. The key is by position, `departments[0].specialists[3].priority`, so that
/// two entries of the same name are still two places.
class places {
public:
  struct place {
    mark at;
    std::string shown;  ///< The key path as people write it, with names instead of positions.
  };

  void note(std::string path, mark at, std::string shown);
  /// The place of that path, or of what contains it when it was not written.
  place find(std::string_view path) const;
  /// Whether it was written, or came from `defaults` or an override.
  bool written(const std::string& path) const { return all_.contains(path); }

private:
  std::unordered_map<std::string, place> all_;
};

struct reading {
  const std::map<std::string, std::string>& environment;
  std::vector<problem>& problems;
  places& where;
};

/// Reads the whole tree. What is wrong is reported and keeps its default.
node read_node(const tree& whole, reading& context);

/// Reads the `defaults` of specialists, only to report what is wrong with them.
void read_defaults(const tree& defaults, reading& context);

/// Whether a name can stand in a path, a URL and a metric's label.
bool is_name(std::string_view text);

/// Checks what concerns several keys at once: names that are taken or unknown, routes, limits that
/// exclude each other.
void check(const node& whole, const places& where, std::vector<problem>& problems);

/// What can be meant and hardly ever is: times that should follow one another and do not.
void advise(const node& whole, const places& where, std::vector<problem>& warnings);

}  // namespace greenroom::config
