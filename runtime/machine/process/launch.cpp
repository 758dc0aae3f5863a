#include "runtime/machine/process/launch.hpp"

#include "protocols/base/expected.hpp"
#include "runtime/machine/process/clone_child.hpp"
#include "runtime/machine/process/file_limit.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>

namespace greenroom::machine {
namespace {

bool executable(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode)
         && ::access(path.c_str(), X_OK) == 0;
}

std::string explain(const launch_order& order, const std::string& program, launch_step where,
                    int error) {
  const auto reason = std::string{std::strerror(error)};
  switch (where) {
    case launch_step::directory: return "cannot enter its cwd \"" + order.cwd + "\": " + reason;
    case launch_step::execute:
      if (error == ENOENT)
        return "cannot run \"" + program
               + "\": the interpreter named in its first line does not exist";
      if (error == ENOEXEC)
        return "cannot run \"" + program
               + "\": it is neither a program nor a script with a #! line";
      if (error == E2BIG) return "cannot run \"" + program + "\": arguments and env are too long";
      return "cannot run \"" + program + "\": " + reason;
    default: return "cannot start \"" + program + "\": " + reason;
  }
}

std::string not_found(const launch_order& order) {
  const auto& program = order.command.front();
  if (program.find('/') == std::string::npos)
    return "no program \"" + program + "\" in "
           + (order.bin_directory.empty() ? std::string{} : order.bin_directory + " or ")
           + "PATH; install it, or give its full path in backend.command";
  struct stat about {};
  if (::stat(program.c_str(), &about) != 0)
    return "cannot run \"" + program + "\": " + std::strerror(errno);
  return "\"" + program + "\" is not an executable file (chmod +x makes a script one)";
}

/// Greenroom's own variables are keys of this node, secrets among them, or are meant for clients. A
/// worker gets three of its own. Marks are inherited, so that a worker's children can be found.
bool is_of_the_node(std::string_view name) {
  return name.starts_with("GREENROOM_") && !name.ends_with("_MARK")
         && !name.starts_with("GREENROOM_TEST_");
}

std::vector<std::string> build_environment(const launch_order& order) {
  std::vector<std::string> result;
  for (char** entry = order.empty_environment ? nullptr : environ; entry && *entry; ++entry) {
    const std::string_view pair{*entry};
    const auto name = pair.substr(0, pair.find('='));
    if (!is_of_the_node(name) && !order.env.contains(std::string{name})) result.emplace_back(pair);
  }
  for (const auto& [key, value] : order.env) result.emplace_back(key).append("=").append(value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

struct channel {
  descriptor ours, theirs;
};

/// Keeps the numbers 0 to 2 free: if these were closed in this process, dup2 in the child would
/// overwrite one end with another.
descriptor above_standard(int number) {
  if (number < 0 || number > 2) return descriptor{number};
  descriptor low{number};
  return descriptor{::fcntl(number, F_DUPFD_CLOEXEC, 3)};
}

base::problem no_channel() {
  return {"pipes", std::string{"cannot open its pipes: "} + std::strerror(errno)
                       + (errno == EMFILE ? " (raise the limit of open files: ulimit -n)" : "")};
}

base::expected<channel> ready_channel(const int (&ends)[2]) {
  channel result{above_standard(ends[0]), above_standard(ends[1])};
  if (!result.ours || !result.theirs || ::fcntl(result.ours.number(), F_SETFL, O_NONBLOCK) != 0)
    return no_channel();
  return result;
}

/// Two sockets, one for each direction. A write to a dead worker must not raise SIGPIPE in an
/// embedding service (MSG_NOSIGNAL). One socket for both would share O_NONBLOCK between the
/// worker's input and output: asyncio sets it on stdin, and then `print` would fail.
base::expected<channel> open_socket() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return no_channel();
  return ready_channel(ends);
}

base::expected<channel> open_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return no_channel();
  return ready_channel(ends);
}

/// Children whose end was not yet reported by `forget_spawned`.
struct spawned_children {
  std::mutex mutex;
  std::set<int> pids;
};
spawned_children& spawned() {
  static auto* const one = new spawned_children;
  return *one;
}

}  // namespace

std::string find_program(const std::string& program, const std::string& bin_directory,
                         const std::string& search_path) {
  if (program.find('/') != std::string::npos) return executable(program) ? program : std::string{};
  if (program.empty()) return {};
  if (!bin_directory.empty())
    if (auto beside = bin_directory + "/" + program; executable(beside)) return beside;
  for (std::size_t at = 0; at <= search_path.size();) {
    const auto colon = std::min(search_path.find(':', at), search_path.size());
    const auto folder = search_path.substr(at, colon - at);
    if (auto path = (folder.empty() ? "." : folder) + "/" + program; executable(path)) return path;
    at = colon + 1;
  }
  return {};
}

namespace {

/// The program's path as the child can execute it; empty: there is none.
std::string program_of(const launch_order& order) {
  const auto own_path = order.env.find("PATH");
  const char* const path = ::getenv("PATH");
  auto program = find_program(order.command.front(), order.bin_directory,
                              own_path != order.env.end() ? own_path->second
                              : path                      ? path
                                                          : "/usr/local/bin:/usr/bin:/bin");
  // A relative path is relative to the worker's cwd, as in a shell after `cd`.
  if (program.empty() && !order.cwd.empty() && order.command.front().find('/') != std::string::npos
      && order.command.front().front() != '/'
      && executable(order.cwd + "/" + order.command.front()))
    return order.command.front();
  // Found relative to this process's directory, but executed in another directory.
  if (!program.empty() && !order.cwd.empty() && program.front() != '/'
      && program != order.command.front())
    if (std::unique_ptr<char, decltype(&std::free)> whole{::realpath(program.c_str(), nullptr),
                                                          &std::free})
      return whole.get();
  return program;
}

/// Starts the child with all signals blocked: no handler may run in the child, which shares this
/// process's memory.
started_child clone_registered(child_plan& plan, const std::string& group) {
  const auto stack = std::make_unique<char[]>(child_stack_bytes);
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  started_child child;
  {
    // A scan for unknown children (`spawned_here`) must not see this child before it is registered.
    const std::lock_guard lock{spawned().mutex};
    child = clone_child(plan, stack.get(), group);
    if (child.pid > 0) spawned().pids.insert(child.pid);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return child;
}

}  // namespace

launched launch(const launch_order& order) {
  launched result;
  const auto program = program_of(order);
  if (program.empty()) {
    result.error = not_found(order);
    return result;
  }
  auto arguments = order.command;
  auto environment = build_environment(order);
  auto argument_pointers = pointers(arguments);
  auto environment_pointers = pointers(environment);

  auto in = open_socket();
  auto out = open_socket();
  auto err = open_pipe();
  for (const auto* one : {&in, &out, &err})
    if (!*one) {
      result.error = one->error().text;
      return result;
    }
  if (!may_be_a_workers(err->theirs.number())) {
    errno = EMFILE;
    result.error = no_channel().text;
    return result;
  }
  child_plan plan;
  plan.program = program.c_str();
  plan.arguments = argument_pointers.data();
  plan.environment = environment_pointers.data();
  plan.directory = order.cwd.empty() ? nullptr : order.cwd.c_str();
  plan.standard = {in->theirs.number(), out->theirs.number(), err->theirs.number()};
  plan.parent = ::getpid();
  plan.files = file_limit_of_children();
  plan.outlives = order.outlives;

  const auto child = clone_registered(plan, order.group);
  result.grouped = child.grouped;
  if (child.pid < 0) {
    result.error = std::string{"cannot start a process: "} + std::strerror(child.error);
    return result;
  }
  result.pidfd = descriptor{child.pidfd};
  if (plan.failed_at != launch_step::none) {
    siginfo_t gone{};
    ::waitid(P_PID, static_cast<id_t>(child.pid), &gone, WEXITED);
    forget_spawned(child.pid);
    result.error = explain(order, program, plan.failed_at, plan.error);
    return result;
  }
  result.pid = child.pid;
  result.in = std::move(in->ours);
  result.out = std::move(out->ours);
  result.err = std::move(err->ours);
  return result;
}

bool spawned_here(int pid) {
  const std::lock_guard lock{spawned().mutex};
  return spawned().pids.contains(pid);
}

void forget_spawned(int pid) {
  const std::lock_guard lock{spawned().mutex};
  spawned().pids.erase(pid);
}

struct spawner::inside {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> waiting;
};

spawner& spawner::shared() {
  // Never destroyed: the end of the thread would kill the children.
  static auto* const one = new spawner;
  return *one;
}

spawner::spawner() : inside_{new inside} {
  std::thread thread{[mine = inside_] {
    for (;;) {
      std::unique_lock lock{mine->mutex};
      mine->wake.wait(lock, [mine] { return !mine->waiting.empty(); });
      auto job = std::move(mine->waiting.front());
      mine->waiting.pop_front();
      lock.unlock();
      job();
    }
  }};
  pthread_setname_np(thread.native_handle(), "gr-spawner");
  thread.detach();
}

void spawner::ask(std::function<void()> job) {
  {
    const std::lock_guard lock{inside_->mutex};
    inside_->waiting.push_back(std::move(job));
  }
  inside_->wake.notify_one();
}

}  // namespace greenroom::machine
