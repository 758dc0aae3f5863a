// Finds and ends processes that an earlier run of a node left behind.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::machine {

/// The environment variable that carries the node's mark to workers and their descendants.
constexpr const char* mark_variable = "GREENROOM_NODE_MARK";

/// The environment variable that carries the worker's number within the node.
constexpr const char* worker_variable = "GREENROOM_WORKER_MARK";

/// A mark is "DATA-DIRECTORY-ID:INCARNATION": the first part identifies the node's data directory,
/// and another incarnation means an earlier run of the node.
struct leftover {
  int pid = 0;
  std::string command;  ///< The command line, for the log.
  std::string mark;
  bool gone = false;  ///< False: killed, but still alive after `patience`.
};

/// Kills every process (and its group) whose mark has the data directory of `mark` and another
/// incarnation, and waits for the end of these processes. Blocks. Call only while the data
/// directory is locked: otherwise a living node would lose its workers.
std::vector<leftover> sweep(std::string_view mark,
                            std::chrono::milliseconds patience = std::chrono::seconds{5});

/// Kills every process with exactly this mark and this worker number; empty: of all workers.
/// Repeats until there is none, at most for `patience`. Returns the number of processes found.
std::size_t end_marked(std::string_view mark, std::string_view worker,
                       std::chrono::milliseconds patience);

/// The mark in a process's environment; empty: no mark, or the environment is unreadable.
[[nodiscard]] std::string mark_of_process(int pid);

}  // namespace greenroom::machine
