// The state of the process keeper, for its source files.
#pragma once

#include "runtime/machine/process/descriptor.hpp"
#include "runtime/machine/process/launch.hpp"
#include "runtime/machine/process/process_keeper.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace greenroom::machine {

inline descriptor pidfd_of(int pid) {
  return descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

inline void kill_by(const descriptor& pidfd) {
  ::syscall(SYS_pidfd_send_signal, pidfd.number(), SIGKILL, nullptr, 0);
}

struct process_keeper::inside {
  options how;
  std::string group;  ///< The node's group; empty: none.
  std::string no_groups, no_guardian;
  std::atomic<std::uint64_t> orphans{0};
  std::atomic<std::uint64_t> serial{0};
  std::atomic<bool> closed{false};

  std::mutex mutex;
  std::vector<std::string> to_remove;  ///< Groups whose last processes were still ending.
  struct worker {
    int pid = 0;
    std::uint64_t started = 0;
  };
  std::map<std::uint64_t, worker> alive;  ///< By serial.

  // A thread that finds processes left by ended workers: without control groups, or once a worker
  // runs outside of its group.
  std::thread looker;
  bool loose = false;  ///< A worker was started outside of the node's control groups.
  std::condition_variable wake;
  std::deque<std::uint64_t> left;  ///< Serials of ended workers.
  bool stopping = false;

  launched guardian;
  std::thread watcher;  ///< Restarts the guardian; while it runs, only this thread changes
                        ///< `guardian`.
  descriptor watcher_ends;

  void start_guardian();
  void watch_guardian();
  void reap_guardian();
  void end_guardian();
  void look();
  void look_at_adopted();
  void start_looker();
  void tell_guardian(char word);
  void end_of(std::uint64_t gone);
  void remove_groups();
  void end_all();
};

}  // namespace greenroom::machine
