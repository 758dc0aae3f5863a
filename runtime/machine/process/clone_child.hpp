// Clones this process without a copy of its memory, and executes a program in the clone.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <string>

namespace greenroom::machine {

/// Where the start of a child failed.
enum class launch_step : int { none, group, parent_gone, redirect, directory, execute };

/// Prepared before the child exists: the child shares the parent's memory and must not allocate.
struct child_plan {
  const char* program = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const char* directory = nullptr;
  std::array<int, 3> standard{};
  pid_t parent = 0;
  rlim_t files = 0;  ///< The soft limit of open files; 0: unchanged.
  bool outlives = false;
  int group = -1;  ///< Descriptor of cgroup.procs, if the child must join the group itself.
  // Written by the child: the memory is shared, so no pipe is needed to report an error.
  launch_step failed_at = launch_step::none;
  int error = 0;
};

/// The size of a child's stack until the program is executed.
constexpr std::size_t child_stack_bytes = std::size_t{64} << 10;

struct started_child {
  int pid = -1;
  int pidfd = -1;
  int error = 0;
  bool grouped = false;
};

/// Starts a child, in the control group `group` if that is possible. `stack` has
/// `child_stack_bytes`. No signal handler may run meanwhile.
[[nodiscard]] started_child clone_child(child_plan& plan, char* stack, const std::string& group);

}  // namespace greenroom::machine
