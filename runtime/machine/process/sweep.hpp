// Finding and ending what an earlier life of a node left behind.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::machine {

/// The environment variable that carries a node's mark into its workers and what they start.
constexpr const char* mark_variable = "GREENROOM_NODE_MARK";

/// The environment variable that carries the number of a worker of that node.
constexpr const char* worker_variable = "GREENROOM_WORKER_MARK";

/// A mark is "DATA-DIRECTORY-ID:INCARNATION": workers of one data directory belong to one node, and
/// those of another incarnation to one that is no more.
struct leftover {
  int pid = 0;
  std::string command;  ///< Its command line, for the log.
  std::string mark;
  bool gone = false;  ///< False: it was killed, but had not ended when `patience` was over.
};

/// Kills every process whose mark has the data directory of `mark` and another incarnation, with
/// its process group, and waits until they are gone. Blocks. Call it while the data directory is
/// locked, or it will end the workers of a node that lives.
std::vector<leftover> sweep(std::string_view mark,
                            std::chrono::milliseconds patience = std::chrono::seconds{5});

/// Kills every process with exactly this mark, of the worker with this number; empty: of all its
/// workers. Looks again until there is none, for as long as `patience`. Returns how many there
/// were.
std::size_t end_marked(std::string_view mark, std::string_view worker,
                       std::chrono::milliseconds patience);

/// The mark in the environment of a process; empty: it has none, or hides it.
[[nodiscard]] std::string mark_of_process(int pid);

}  // namespace greenroom::machine
