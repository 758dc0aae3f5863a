// Starts a child process without copying the parent: clone with shared memory, as posix_spawn does,
// plus a death signal, a process group and a pidfd, which posix_spawn lacks.
#pragma once

#include "runtime/machine/process/descriptor.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace greenroom::machine {

class process_keeper;

struct launch_order {
  std::vector<std::string> command;        ///< Program and arguments; not empty.
  std::map<std::string, std::string> env;  ///< Overrides this process's own variables.
  std::string cwd;                         ///< Empty: this process's directory.
  std::string bin_directory;               ///< Searched for a bare program name before PATH.
  std::string group;               ///< The control group's directory for the child; or empty.
  bool outlives = false;           ///< True: no death signal.
  bool empty_environment = false;  ///< Only `env`, without this process's variables.
  std::shared_ptr<process_keeper> keeper;  ///< Tracks the child's processes; null: none.
};

/// The parent's ends are close-on-exec; `in`, `out` and `err` are non-blocking.
struct launched {
  int pid = 0;           ///< Also the process group's id. 0: not started.
  bool grouped = false;  ///< The child is in the requested control group.
  descriptor pidfd;
  descriptor in;      ///< A socket: the child's standard input.
  descriptor out;     ///< A socket: the child's standard output.
  descriptor err;     ///< A pipe: the child's standard error.
  std::string error;  ///< For people, when the start failed: what is wrong and what to do.
};

/// Returns once the program has been executed, after some hundred microseconds. The child gets
/// SIGKILL when the *calling thread* ends (PR_SET_PDEATHSIG), so that thread must live as long as
/// the node: see `spawner`.
[[nodiscard]] launched launch(const launch_order& order);

/// True if `launch` in this process started `pid`, and `forget_spawned` was not called since.
[[nodiscard]] bool spawned_here(int pid);
void forget_spawned(int pid);

/// Returns the path from which `program` would be executed; empty when there is none.
[[nodiscard]] std::string find_program(const std::string& program, const std::string& bin_directory,
                                       const std::string& search_path);

/// The only thread that starts children. It lives until the process ends, because a child's death
/// signal is tied to the thread; a start blocks this thread instead of an I/O thread.
class spawner {
public:
  [[nodiscard]] static spawner& shared();
  /// Never blocks. Runs `job`, which calls `launch`, on the spawner's thread, in order.
  void ask(std::function<void()> job);

private:
  spawner();
  struct inside;
  inside* inside_;
};

}  // namespace greenroom::machine
