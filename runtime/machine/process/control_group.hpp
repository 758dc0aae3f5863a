// Control groups (version 2): a process cannot leave its group by a new session, a new parent or an
// empty environment.
#pragma once

#include "protocols/base/expected.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace greenroom::machine {

/// Makes the group `name` below this process's group, on any mounted cgroup2 hierarchy (also beside
/// version 1). Returns the directory.
base::expected<std::string> make_own_group(std::string_view name);

/// Makes a group below `parent`. Returns the directory.
base::expected<std::string> make_group(const std::string& parent, std::string_view name);

/// Returns the siblings of `directory` whose names begin with `prefix`.
[[nodiscard]] std::vector<std::string> groups_beside(const std::string& directory,
                                                     std::string_view prefix);

/// Returns the processes in the group and in the groups below.
[[nodiscard]] std::vector<int> processes_in_group(const std::string& directory);

/// Kills all processes at once, including concurrent forks. Does not wait for their end.
void kill_group(const std::string& directory);

/// Removes the group and the groups below. False: a process is still inside.
[[nodiscard]] bool remove_group(const std::string& directory);

}  // namespace greenroom::machine
