// Compares two configurations: what a reload would change, and whether a running node can apply it.
#pragma once

#include "config/node.hpp"

#include <string>
#include <vector>

namespace greenroom::config {

/// One key with a changed value. Texts are as in YAML.
struct changed_key {
  std::string path;
  std::string before;
  std::string after;

  friend bool operator==(const changed_key&, const changed_key&) = default;
};

struct difference {
  std::vector<std::string> added;    ///< Specialists, in the order of the new cast.
  std::vector<std::string> removed;  ///< Specialists, in the order of the old cast.
  std::vector<std::string> changed;  ///< Specialists in both casts, with other values or in another
                                     ///< department.
  std::vector<std::string> departments_changed;  ///< Added, removed, or with another `restart`.
  std::vector<changed_key> keys;                 ///< Outside the cast, commands and workflows.
  bool commands = false;
  bool workflows = false;
  /// Paths of `keys` that need a new process: the reload must be refused.
  std::vector<std::string> needs_restart;

  bool empty() const {
    return added.empty() && removed.empty() && changed.empty() && departments_changed.empty()
           && keys.empty() && !commands && !workflows;
  }
};

difference compare(const node& before, const node& after);

/// True if a running worker of `before` can serve `after`: no key differs that matters at the
/// start. Every key counts unless the function lists it as one that is read for each task.
bool same_worker(const specialist& before, const specialist& after);

/// One line for the log: `2 specialists added, 1 changed, pool.max_warm 17 → 20`.
std::string to_string(const difference& change);

}  // namespace greenroom::config
