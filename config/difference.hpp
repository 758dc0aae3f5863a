// What reading the configuration again would change, and whether it can be done in a running node.
#pragma once

#include "config/node.hpp"

#include <string>
#include <vector>

namespace greenroom::config {

/// One key whose value differs. Texts are as in YAML.
struct changed_key {
  std::string path;
  std::string before;
  std::string after;

  friend bool operator==(const changed_key&, const changed_key&) = default;
};

struct difference {
  std::vector<std::string> added;    ///< Specialists, in the order of the new cast.
  std::vector<std::string> removed;  ///< Specialists, in the order of the old cast.
  std::vector<std::string> changed;  ///< Specialists that stay, with other values, or elsewhere.
  std::vector<std::string> departments_changed;  ///< Added, removed, or with another `restart`.
  std::vector<changed_key> keys;                 ///< Outside the cast, commands and workflows.
  bool commands = false;
  bool workflows = false;
  /// The paths of `keys` that only a new process can apply: the reload must be refused.
  std::vector<std::string> needs_restart;

  bool empty() const {
    return added.empty() && removed.empty() && changed.empty() && departments_changed.empty()
           && keys.empty() && !commands && !workflows;
  }
};

difference compare(const node& before, const node& after);

/// Whether a worker of the one may go on for the other: nothing that it was started with, or that
/// is asked only when it starts, differs. Unless a key is named here as one that is looked at anew
/// for each task, it counts.
bool same_worker(const specialist& before, const specialist& after);

/// One line for the log: `2 specialists added, 1 changed, pool.max_warm 17 → 20`.
std::string to_string(const difference& change);

}  // namespace greenroom::config
