// Starting a child process without copying the parent: clone with shared memory, as posix_spawn
// does, plus what posix_spawn cannot: a death signal, a process group and a pidfd at once.
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
  std::map<std::string, std::string> env;  ///< Added to this process's own, and stronger.
  std::string cwd;                         ///< Empty: this process's.
  std::string bin_directory;               ///< A bare program name is looked up here before PATH.
  std::string group;               ///< The directory of the control group to start it in; or empty.
  bool outlives = false;           ///< It gets no death signal.
  bool empty_environment = false;  ///< Only `env`, and nothing of this process's own.
  std::shared_ptr<process_keeper> keeper;  ///< Who holds its processes together; null: nobody.
};

/// The parent's ends are close-on-exec; `in`, `out` and `err` do not block.
struct launched {
  int pid = 0;           ///< Also the number of its process group. 0: not started.
  bool grouped = false;  ///< It is in the control group that was asked for.
  descriptor pidfd;
  descriptor in;      ///< A socket: its standard input.
  descriptor out;     ///< A socket: its standard output.
  descriptor err;     ///< A pipe: its standard error.
  std::string error;  ///< For people, when it was not started: what is wrong and what to do.
};

/// Returns once the program has been executed, some hundred microseconds later. The child gets
/// SIGKILL when the *thread* that called this ends (PR_SET_PDEATHSIG), so that thread has to live
/// as long as the node: see `spawner`.
[[nodiscard]] launched launch(const launch_order& order);

/// Whether this process started `pid` by `launch`, and has not said since that it was reaped.
[[nodiscard]] bool spawned_here(int pid);
void forget_spawned(int pid);

/// The path that `program` would be executed from. Empty when there is none.
[[nodiscard]] std::string find_program(const std::string& program, const std::string& bin_directory,
                                       const std::string& search_path);

/// The one thread of this process from which children are started. It lives until the process ends:
/// a child's death signal is tied to it, and starting blocks it, not an I/O thread.
class spawner {
public:
  [[nodiscard]] static spawner& shared();
  /// Never blocks. `job`, which calls `launch`, runs on the spawner's thread, in order.
  void ask(std::function<void()> job);

private:
  spawner();
  struct inside;
  inside* inside_;
};

}  // namespace greenroom::machine
