// Parents and children of processes, from /proc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::machine {

struct process_stat {
  char state = 0;  ///< 'Z': ended and not reaped. 0: there is no such process.
  int parent = 0;
  int group = 0;
  std::uint64_t started = 0;  ///< In ticks since boot; distinguishes a reused pid.
  std::string program;        ///< The name, at most 15 bytes.
};
[[nodiscard]] process_stat stat_of_process(int pid);

[[nodiscard]] std::vector<int> children_of(int pid);

/// Returns the children, their children, and so on; bounded.
[[nodiscard]] std::vector<int> descendants_of(int pid);

}  // namespace greenroom::machine
