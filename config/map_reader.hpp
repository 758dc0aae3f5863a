// Takes keys from one map of a tree and reports unknown keys: for files beside the node's
// configuration (scenarios, chaos plans).
#pragma once

#include "config/tree.hpp"

#include <chrono>
#include <cmath>
#include <string>
#include <vector>

namespace greenroom::config {

/// Each reader keeps the value when the key is missing. `finish` reports keys that were not taken,
/// with the nearest known key.
class map_reader {
public:
  /// `path` is the prefix of the keys in messages; may be empty.
  map_reader(const tree& from, std::string path, std::vector<problem>& problems);

  const tree* take(const char* key);
  void text(const char* key, std::string& to);
  /// A list of texts, or one text.
  void texts(const char* key, std::vector<std::string>& to);
  void number(const char* key, double& to, double min, double max);
  template <class Count>
  void count(const char* key, Count& to, double min, double max) {
    auto parsed = static_cast<double>(to);
    number(key, parsed, min, max);
    if (parsed != std::floor(parsed))
      complain(take(key)->at, key, "expected a whole number");
    else
      to = static_cast<Count>(parsed);
  }
  void duration(const char* key, std::chrono::milliseconds& to);
  void complain(const mark& at, const std::string& key, std::string message,
                std::string suggestion = {});
  void finish();

private:
  const tree& from_;
  std::string path_;
  std::vector<problem>& problems_;
  std::vector<std::string> known_;
};

/// Appends the tree as JSON text: unquoted YAML booleans, numbers and null become JSON's, other
/// scalars strings.
void append_json(std::string& out, const tree& from);

}  // namespace greenroom::config
