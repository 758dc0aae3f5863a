// Asks the node, as a user would, whether a command is answered.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/tasks/admission.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace greenroom::actors {

/// Where a command leads, and how its worker does.
struct probe_parts {
  const catalog_store& catalogs;
  const pool_records& pools;
};

/// What came of one command. A worker that refuses the input has understood and answered.
struct probe_answer {
  bool answered = false;
  std::string said;  ///< For people: which specialist answered, or why none did.
};

/// Runs one command as a real task, on the way of all tasks, and calls `done` exactly once, on
/// any thread, perhaps before it returns.
using command_probe =
    std::function<void(const std::string& command, std::function<void(probe_answer)> done)>;

/// Through the door: the input is the command's `probe` of the configuration, by default
/// `tools/list` for an MCP server and `{"greenroom":"verify"}` for every other worker. Specialists
/// whose side effects are unsafe are never asked: a command that leads to no other specialist
/// counts as answered when a worker is up.
[[nodiscard]] command_probe probe_through(admission& door, const probe_parts& parts,
                                          std::chrono::milliseconds patience);

}  // namespace greenroom::actors
