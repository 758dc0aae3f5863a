// Ends the worker processes of a node that was killed, and their descendants.
//
// greenroom-guardian NODE NODE_STARTED GROUP|- MARK REPORT|- all|marked
// Standard input is a socket of the node. "q": the node ends in order; end of file without "q": the
// node was killed. "w": a worker has been started or is ready, so look at its processes now.
// "marked": children of the node without the mark are not workers.
#include "runtime/machine/process/control_group.hpp"
#include "runtime/machine/process/descriptor.hpp"
#include "runtime/machine/process/process_tree.hpp"
#include "runtime/machine/process/sweep.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace {

using namespace greenroom::machine;
using std::chrono::milliseconds;

constexpr milliseconds look_period{200};
/// Pause after a message from the node; each following pause doubles.
constexpr milliseconds first_look{5};
constexpr milliseconds patience{5000};

descriptor open_pidfd(int pid) {
  return descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

template <class Number>
Number number_in(const char* text) {
  Number result{};
  const std::string_view whole{text};
  std::from_chars(whole.data(), whole.data() + whole.size(), result);
  return result;
}

/// Detaches, so that signals to the node, its terminal or its group do not end this process.
void go_apart() {
  ::setsid();
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP})
    ::signal(number, SIG_IGN);
  const descriptor nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  ::dup2(nothing.number(), 1);
  ::dup2(nothing.number(), 2);
  if (::chdir("/") != 0) return;
}

/// Process ids with start times, since a process id may be reused.
using family = std::map<int, std::uint64_t>;

/// `mark`: the mark of the node's workers; empty: all children are workers.
void look_at(int node, std::string_view mark, family& known) {
  family now;
  for (const int child : children_of(node)) {
    if (child == ::getpid()) continue;
    const auto since = stat_of_process(child).started;
    const auto seen = known.find(child);
    const bool ours = mark.empty() || (seen != known.end() && seen->second == since)
                      || mark_of_process(child) == mark;
    if (!ours) continue;
    now[child] = since;
    for (const int below : descendants_of(child)) now[below] = stat_of_process(below).started;
  }
  // Processes whose parent has ended are no longer below `node`; keep them.
  for (const auto& [pid, started] : known)
    if (!now.contains(pid) && stat_of_process(pid).started == started) now[pid] = started;
  known = std::move(now);
}

std::uint64_t end_family(family known) {
  std::uint64_t ended = 0;
  // Adds what they have started since the last look.
  for (const auto& [pid, started] : family{known})
    if (stat_of_process(pid).started == started)
      for (const int below : descendants_of(pid))
        known.emplace(below, stat_of_process(below).started);
  for (const auto& [pid, started] : known) {
    const auto pidfd = open_pidfd(pid);
    const auto facts = stat_of_process(pid);
    if (!pidfd || facts.state == 0 || facts.state == 'Z' || facts.started != started) continue;
    ::syscall(SYS_pidfd_send_signal, pidfd.number(), SIGKILL, nullptr, 0);
    pollfd wait{pidfd.number(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(look_period.count()));
    ++ended;
  }
  return ended;
}

std::uint64_t end_group(const std::string& group) {
  std::uint64_t ended = 0;
  const auto until = std::chrono::steady_clock::now() + patience;
  if (!group.empty()) ended = processes_in_group(group).size();
  while (!group.empty()) {
    kill_group(group);
    if (remove_group(group) || std::chrono::steady_clock::now() >= until) break;
    std::this_thread::sleep_for(milliseconds{5});
  }
  return ended;
}

void write_report(const std::string& path, std::uint64_t ended) {
  if (path == "-" || ended == 0) return;
  if (auto* const file = std::fopen(path.c_str(), "we")) {
    std::fprintf(file, "%llu\n", static_cast<unsigned long long>(ended));
    std::fclose(file);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 7) {
    std::fputs("greenroom-guardian is started by greenroom and of no use by itself.\n", stderr);
    return 2;
  }
  const int node = number_in<int>(arguments[1]);
  const auto started = number_in<std::uint64_t>(arguments[2]);
  const std::string group = arguments[3][0] == '-' ? "" : arguments[3];
  const std::string mark = arguments[4], report = arguments[5];
  const std::string wanted = std::string_view{arguments[6]} == "all" ? "" : mark;
  go_apart();
  const auto pidfd = open_pidfd(node);
  // The node may have died before the pidfd was opened.
  bool alive = pidfd && stat_of_process(node).started == started;
  bool asked = false;
  family known;
  auto pause = first_look;
  while (alive) {
    pollfd wait[] = {{0, POLLIN, 0}, {pidfd.number(), POLLIN, 0}};
    ::poll(wait, 2, group.empty() ? static_cast<int>(pause.count()) : -1);
    if (group.empty() && wait[1].revents == 0) look_at(node, wanted, known);
    pause = std::min(2 * pause, look_period);
    if (wait[1].revents != 0) alive = false;
    if (wait[0].revents != 0) {
      std::array<char, 256> buffer;
      const auto got = ::read(0, buffer.data(), buffer.size());
      const std::string_view input{buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
      asked = asked || input.find('q') != std::string_view::npos;
      if (got <= 0 || asked) alive = false;
      pause = first_look;
    }
  }
  auto ended = end_group(group);
  if (!asked) ended += end_family(std::move(known));
  ended += end_marked(mark, {}, patience);
  if (!asked) write_report(report, ended);
  return 0;
}
