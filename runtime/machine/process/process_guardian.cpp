// The guardian of a node's processes: starts it, watches it, ends it.
#include "runtime/machine/process/process_keeper_inside.hpp"
#include "runtime/machine/process/process_tree.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <utility>

namespace greenroom::machine {

namespace {

constexpr const char* guardian_program = "greenroom-guardian";
/// How long `close` waits for the guardian.
constexpr std::chrono::milliseconds guardian_patience{2000};
/// Pause before a guardian is restarted: the first one; doubled each time up to the longest.
constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{60'000};
/// After a life of this length the pause starts again from the first.
constexpr std::chrono::minutes long_life{10};

}  // namespace

void process_keeper::inside::start_guardian() {
  launch_order order;
  order.command = {guardian_program,
                   std::to_string(::getpid()),
                   std::to_string(stat_of_process(::getpid()).started),
                   group.empty() ? "-" : group,
                   how.mark,
                   how.report.empty() ? "-" : how.report,
                   how.adopt ? "all" : "marked"};
  order.bin_directory = how.bin_directory;
  order.outlives = true;
  order.empty_environment = true;
  std::mutex done_mutex;
  std::condition_variable done;
  bool over = false;
  launched started;
  spawner::shared().ask([&] {
    auto fresh = launch(order);
    const std::lock_guard lock{done_mutex};
    started = std::move(fresh);
    over = true;
    done.notify_one();
  });
  std::unique_lock done_lock{done_mutex};
  done.wait(done_lock, [&over] { return over; });
  started.out.close();
  started.err.close();
  const std::lock_guard lock{mutex};
  no_guardian = started.error;
  guardian = std::move(started);
}

/// Without a guardian, a killed node's workers would leave processes behind.
void process_keeper::inside::watch_guardian() {
  using clock = std::chrono::steady_clock;
  const auto say = [this](const std::string& what) {
    if (how.say) how.say(what);
  };
  auto pause = first_pause;
  for (auto since = clock::now();;) {
    // poll ignores the descriptor -1 (the guardian could not be started).
    pollfd wait[] = {{watcher_ends.number(), POLLIN, 0}, {guardian.pidfd.number(), POLLIN, 0}};
    const int patience = guardian.pid != 0 ? -1 : 0;
    if (::poll(wait, 2, patience) < 0 && errno == EINTR) continue;
    if (wait[0].revents != 0) return;
    if (clock::now() - since >= long_life) pause = first_pause;
    if (guardian.pid != 0) {
      reap_guardian();
      say("greenroom-guardian has ended and is started again: until then, a kill of the node may "
          "leave processes behind");
    }
    if (::poll(wait, 1, static_cast<int>(pause.count())) > 0) return;
    pause = std::min(2 * pause, longest_pause);
    since = clock::now();
    start_guardian();
    if (guardian.pid == 0) say("greenroom-guardian cannot be started again: " + no_guardian);
  }
}

void process_keeper::inside::reap_guardian() {
  siginfo_t end{};
  ::waitid(P_PIDFD, static_cast<id_t>(guardian.pidfd.number()), &end, WEXITED);
  forget_spawned(guardian.pid);
  const std::lock_guard lock{mutex};
  guardian = {};
}

/// @pre locked. Never blocks, even if the guardian does not read.
void process_keeper::inside::tell_guardian(char word) {
  if (guardian.in && (group.empty() || word == 'q'))
    static_cast<void>(::send(guardian.in.number(), &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT));
}

// The guardian's input ends without 'q' when the node is killed.
void process_keeper::inside::end_guardian() {
  if (guardian.pid == 0) return;
  {
    const std::lock_guard lock{mutex};
    tell_guardian('q');
    guardian.in.close();
  }
  pollfd wait{guardian.pidfd.number(), POLLIN, 0};
  if (::poll(&wait, 1, static_cast<int>(guardian_patience.count())) <= 0) kill_by(guardian.pidfd);
  reap_guardian();
}

std::uint64_t read_guardian_report(const std::string& report) {
  std::uint64_t result = 0;
  {
    std::ifstream in{report};
    if (!(in >> result)) result = 0;
  }
  ::unlink(report.c_str());
  return result;
}

}  // namespace greenroom::machine
