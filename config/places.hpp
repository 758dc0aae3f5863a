// The position of every value in an operator's files.
#pragma once

#include "config/tree.hpp"

#include <string>
#include <string_view>
#include <unordered_map>

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

}  // namespace greenroom::config
