#include "runtime/machine/process/sweep.hpp"

#include "runtime/machine/process/descriptor.hpp"
#include "runtime/machine/process/proc_text.hpp"

#include <dirent.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>
#include <memory>

namespace greenroom::machine {
namespace {

std::string mark_of(const std::string& environment) {
  return variable_in(environment, mark_variable);
}

struct found_process {
  leftover about;
  descriptor pidfd;
};

/// Finds marked processes for which `wanted(environment, mark)` is true.
template <class Wanted>
std::vector<found_process> find_marked(std::string_view sign, Wanted wanted) {
  std::vector<found_process> result;
  const std::unique_ptr<DIR, int (*)(DIR*)> all{::opendir("/proc"), &::closedir};
  if (!all) return result;
  while (const auto* const entry = ::readdir(all.get())) {
    const auto* const end = entry->d_name + std::strlen(entry->d_name);
    int pid = 0;
    if (std::from_chars(entry->d_name, end, pid).ptr != end || pid <= 1 || pid == ::getpid())
      continue;
    const auto folder = std::string{"/proc/"} + entry->d_name;
    const auto environment = proc_text(folder + "/environ");
    if (environment.find(sign) == std::string::npos) continue;
    auto theirs = mark_of(environment);
    if (theirs.empty() || !wanted(environment, theirs)) continue;
    // Open the pidfd, then check again: the pid may have been reused in between.
    descriptor pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (!pidfd || mark_of(proc_text(folder + "/environ")) != theirs) continue;
    auto command = proc_text(folder + "/cmdline");
    while (!command.empty() && command.back() == '\0') command.pop_back();
    std::replace(command.begin(), command.end(), '\0', ' ');
    result.push_back({{pid, std::move(command), std::move(theirs), false}, std::move(pidfd)});
  }
  return result;
}

}  // namespace

namespace {

template <class Find>
std::vector<leftover> end_found(std::chrono::milliseconds patience, Find find) {
  std::vector<leftover> result;
  const auto until = std::chrono::steady_clock::now() + patience;
  // A process may fork while it is being killed: repeat until nothing new is found.
  for (int round = 0; round < 10; ++round) {
    auto found = find();
    if (found.empty()) break;
    const int own_group = ::getpgrp();
    for (const auto& one : found) {
      const int group = ::getpgid(one.about.pid);
      // Kill a whole group only if the leader is among the found processes.
      const bool leads =
          std::any_of(found.begin(), found.end(),
                      [group](const found_process& other) { return other.about.pid == group; });
      if (leads && group != own_group) ::kill(-group, SIGKILL);
      ::syscall(SYS_pidfd_send_signal, one.pidfd.number(), SIGKILL, nullptr, 0);
    }
    for (auto& one : found) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          until - std::chrono::steady_clock::now());
      pollfd wait{one.pidfd.number(), POLLIN, 0};
      one.about.gone =
          ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) > 0;
      result.push_back(std::move(one.about));
    }
    if (std::chrono::steady_clock::now() >= until) break;
  }
  return result;
}

}  // namespace

std::vector<leftover> sweep(std::string_view mark, std::chrono::milliseconds patience) {
  const auto colon = mark.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return {};
  const auto prefix = std::string{mark.substr(0, colon)} + ":";
  return end_found(patience, [&] {
    return find_marked(prefix, [&](const std::string&, const std::string& theirs) {
      return theirs.starts_with(prefix) && theirs != mark;
    });
  });
}

std::size_t end_marked(std::string_view mark, std::string_view worker,
                       std::chrono::milliseconds patience) {
  if (mark.empty()) return 0;
  return end_found(patience,
                   [&] {
                     return find_marked(
                         mark, [&](const std::string& environment, const std::string& theirs) {
                           return theirs == mark
                                  && (worker.empty()
                                      || variable_in(environment, worker_variable) == worker);
                         });
                   })
      .size();
}

std::string mark_of_process(int pid) {
  return mark_of(proc_text("/proc/" + std::to_string(pid) + "/environ"));
}

}  // namespace greenroom::machine
