// Who started whom, as /proc tells it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::machine {

struct process_stat {
  char state = 0;  ///< 'Z': it has ended and was not reaped. 0: there is none.
  int parent = 0;
  int group = 0;
  std::uint64_t started = 0;  ///< In ticks since the machine started; tells a reused number apart.
  std::string program;        ///< Its name, at most 15 bytes.
};
[[nodiscard]] process_stat stat_of_process(int pid);

[[nodiscard]] std::vector<int> children_of(int pid);

/// Its children, theirs, and so on; bounded.
[[nodiscard]] std::vector<int> descendants_of(int pid);

}  // namespace greenroom::machine
