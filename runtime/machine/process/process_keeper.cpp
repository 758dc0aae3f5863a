#include "runtime/machine/process/process_keeper.hpp"

#include "runtime/machine/process/control_group.hpp"
#include "runtime/machine/process/launch.hpp"
#include "runtime/machine/process/process_keeper_inside.hpp"
#include "runtime/machine/process/process_tree.hpp"
#include "runtime/machine/process/sweep.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <fstream>
#include <map>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace greenroom::machine {
namespace {

constexpr std::chrono::milliseconds look_period{500};
/// How long `close` waits for killed processes.
constexpr std::chrono::milliseconds end_patience{1000};
std::string group_name(std::string_view mark) {
  auto result = "greenroom-" + std::string{mark};
  for (auto& letter : result)
    if (letter == '/' || letter == ':') letter = '-';
  return result;
}

}  // namespace

std::shared_ptr<process_keeper> process_keeper::start(options how) {
  std::shared_ptr<process_keeper> result{new process_keeper};
  auto& in = *result->inside_;
  in.how = std::move(how);
  if (in.how.control_groups) {
    if (auto made = make_own_group(group_name(in.how.mark)))
      in.group = std::move(*made);
    else
      in.no_groups = made.error().text;
  } else {
    in.no_groups = "switched off";
  }
  if (in.how.guardian) {
    in.start_guardian();
    in.watcher_ends = descriptor{::eventfd(0, EFD_CLOEXEC)};
    if (in.guardian.pid != 0 && in.watcher_ends) {
      in.watcher = std::thread{[&in] { in.watch_guardian(); }};
      pthread_setname_np(in.watcher.native_handle(), "gr-guardian");
    }
  }
  if (in.group.empty()) {
    if (in.how.adopt) ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    in.start_looker();
  }
  return result;
}

process_keeper::process_keeper() : inside_{std::make_unique<inside>()} {}

process_keeper::~process_keeper() { close(); }

void process_keeper::close() {
  auto& in = *inside_;
  if (in.closed.exchange(true)) return;
  std::thread looker;
  {
    const std::lock_guard lock{in.mutex};
    in.stopping = true;
    looker.swap(in.looker);
  }
  in.wake.notify_all();
  if (looker.joinable()) looker.join();
  if (in.watcher.joinable()) {
    const std::uint64_t one = 1;
    static_cast<void>(::write(in.watcher_ends.number(), &one, sizeof one));
    in.watcher.join();
  }
  in.end_all();
  in.end_guardian();
}

void process_keeper::end_earlier() {
  auto& in = *inside_;
  if (in.group.empty()) return;
  const auto prefix = group_name(in.how.mark.substr(0, in.how.mark.rfind(':') + 1));
  for (const auto& group : groups_beside(in.group, prefix)) {
    in.orphans += processes_in_group(group).size();
    kill_group(group);
    const std::lock_guard lock{in.mutex};
    in.to_remove.push_back(group);
  }
  in.remove_groups();
}

process_keeper::place process_keeper::add() {
  auto& in = *inside_;
  place result;
  result.serial = ++in.serial;
  if (!in.group.empty())
    if (auto made = make_group(in.group, std::to_string(result.serial)))
      result.group = std::move(*made);
  in.remove_groups();
  return result;
}

void process_keeper::started(const place& where, int pid) {
  auto& in = *inside_;
  const auto since = in.group.empty() ? stat_of_process(pid).started : 0;
  const std::lock_guard lock{in.mutex};
  in.alive[where.serial] = {pid, since};
  in.loose = in.loose || (where.group.empty() && !in.group.empty());
  in.tell_guardian('w');
}

void process_keeper::loosen(place& where) {
  if (where.group.empty()) return;
  const std::lock_guard lock{inside_->mutex};
  inside_->to_remove.push_back(std::exchange(where.group, {}));
}

void process_keeper::ready() const {
  const std::lock_guard lock{inside_->mutex};
  inside_->tell_guardian('w');
}

void process_keeper::kill(const place& where) const {
  if (!where.group.empty()) kill_group(where.group);
}

void process_keeper::ended(const place& where, int pid) {
  auto& in = *inside_;
  if (!where.group.empty()) {
    auto left = processes_in_group(where.group);
    std::erase(left, pid);
    if (!left.empty()) {
      in.orphans += left.size();
      kill_group(where.group);
    }
  }
  {
    const std::lock_guard lock{in.mutex};
    in.alive.erase(where.serial);
    if (!where.group.empty()) {
      in.to_remove.push_back(where.group);
    } else if (pid > 0 && !in.stopping) {
      in.left.push_back(where.serial);
      if (!in.looker.joinable()) in.start_looker();
    }
  }
  in.wake.notify_all();
  in.remove_groups();
}

const std::string& process_keeper::mark() const { return inside_->how.mark; }

std::uint64_t process_keeper::orphans_ended() const { return inside_->orphans; }

void process_keeper::count_orphans(std::uint64_t more) { inside_->orphans += more; }

std::string process_keeper::lacks() const {
  const auto& in = *inside_;
  std::string result;
  const std::lock_guard lock{inside_->mutex};
  if (in.group.empty()) result = "no control groups (" + in.no_groups + ")";
  if (!in.no_guardian.empty())
    result += (result.empty() ? "" : ", ") + ("no guardian (" + in.no_guardian + ")");
  return result;
}

// A killed group can be removed only after its processes have ended; later calls try again.
void process_keeper::inside::remove_groups() {
  std::vector<std::string> some;
  {
    const std::lock_guard lock{mutex};
    some.swap(to_remove);
  }
  std::erase_if(some, [](const std::string& one) { return remove_group(one); });
  if (some.empty()) return;
  const std::lock_guard lock{mutex};
  to_remove.insert(to_remove.end(), some.begin(), some.end());
}

void process_keeper::inside::end_all() {
  const auto until = std::chrono::steady_clock::now() + end_patience;
  bool outside = group.empty();
  {
    const std::lock_guard lock{mutex};
    outside = outside || loose;
    alive.clear();
  }
  if (!group.empty()) {
    kill_group(group);
    while (!remove_group(group) && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  if (outside) orphans += end_marked(how.mark, {}, end_patience);
  if (group.empty() && how.adopt) look_at_adopted();
}

// -- without control groups ---------------------------------------------------

void process_keeper::inside::start_looker() {
  looker = std::thread{[this] { look(); }};
  pthread_setname_np(looker.native_handle(), "gr-keeper");
}

void process_keeper::inside::look() {
  // With control groups, this process adopts no processes.
  const bool adopts = how.adopt && group.empty();
  std::unique_lock lock{mutex};
  while (!stopping || !left.empty()) {
    if (left.empty() && !stopping) {
      const auto due = [this] { return stopping || !left.empty(); };
      if (adopts)
        wake.wait_for(lock, look_period, due);
      else
        wake.wait(lock, due);
    }
    auto gone = std::exchange(left, {});
    lock.unlock();
    for (const auto one : gone) end_of(one);
    if (adopts) look_at_adopted();
    lock.lock();
  }
}

void process_keeper::inside::end_of(std::uint64_t gone) {
  orphans += end_marked(how.mark, std::to_string(gone), end_patience);
}

// A child of this process that is no worker was started by an ended worker or its descendants.
void process_keeper::inside::look_at_adopted() {
  constexpr int rounds_max = 10;
  for (int round = 0; round < rounds_max; ++round) {
    bool again = false;
    for (const int child : children_of(::getpid())) {
      const auto facts = stat_of_process(child);
      {
        const std::lock_guard lock{mutex};
        bool known = child == guardian.pid;
        bool older = false;
        for (const auto& [number, one] : alive) {
          known |= one.pid == child;
          older |= one.started <= facts.started;
        }
        // A child that is being started is not registered yet, and is younger than this scan.
        if (known) continue;
        if (facts.state != 'Z' && (older || mark_of_process(child) == how.mark)) continue;
      }
      if (facts.state == 'Z') {
        // A worker that was just started and has ended is reaped by its event loop.
        if (spawned_here(child)) continue;
        ::waitpid(child, nullptr, WNOHANG);
        continue;
      }
      if (spawned_here(child)) continue;
      const auto pidfd = pidfd_of(child);
      if (!pidfd || stat_of_process(child).started != facts.started) continue;
      kill_by(pidfd);
      ++orphans;
      again = true;
      pollfd wait{pidfd.number(), POLLIN, 0};
      ::poll(&wait, 1, static_cast<int>(look_period.count()));
      ::waitpid(child, nullptr, WNOHANG);
    }
    if (!again) return;
  }
}

}  // namespace greenroom::machine
