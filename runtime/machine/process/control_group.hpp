// Control groups (version 2) as a way to hold processes together that nothing they do gets them out
// of: neither a session of their own, nor another parent, nor an empty environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace greenroom::machine {

/// Makes the group `name` beneath the one that this process is in, on whatever cgroup2 hierarchy is
/// mounted (also beside a version 1). Its directory; empty where that is not possible, and then
/// `why` says why.
[[nodiscard]] std::string make_own_group(std::string_view name, std::string& why);

/// Makes a group beneath `parent`. Its directory; empty when that is not possible.
[[nodiscard]] std::string make_group(const std::string& parent, std::string_view name);

/// The groups beside `directory` whose name begins with `prefix`.
[[nodiscard]] std::vector<std::string> groups_beside(const std::string& directory,
                                                     std::string_view prefix);

/// The processes in it and in the groups beneath it.
[[nodiscard]] std::vector<int> processes_in_group(const std::string& directory);

/// Kills them all at once: those that are being forked meanwhile too. Does not wait for their end.
void kill_group(const std::string& directory);

/// Removes it and the groups beneath it. False: somebody is still in it.
[[nodiscard]] bool remove_group(const std::string& directory);

}  // namespace greenroom::machine
