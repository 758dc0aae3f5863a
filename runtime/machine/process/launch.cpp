#include "runtime/machine/process/launch.hpp"

#include "runtime/machine/process/file_limit.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
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

enum class step : int { none, group, parent_gone, redirect, directory, execute };

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
  step failed_at = step::none;
  int error = 0;
};

/// Also runs in the child: before an exit, the sanitizers would look for the parent thread's stack.
__attribute__((no_sanitize("address", "undefined", "thread"))) int fail(child_plan& plan,
                                                                        step where) {
  plan.error = errno;
  plan.failed_at = where;
  _exit(127);
}

/// Runs in the child, on a separate stack, while the parent's thread is suspended.
__attribute__((no_sanitize("address", "undefined", "thread"))) int child_main(void* argument) {
  auto& plan = *static_cast<child_plan*>(argument);
  // Ignored signals would stay ignored across exec; a worker must see SIGPIPE and SIGTERM.
  struct sigaction to_default {};
  to_default.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number)
    if (number != SIGKILL && number != SIGSTOP) ::sigaction(number, &to_default, nullptr);
  ::setpgid(0, 0);
  if (plan.group >= 0 && ::write(plan.group, "0", 1) < 0) return fail(plan, step::group);
  if (!plan.outlives) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the death signal was set.
  if (::getppid() != plan.parent) return fail(plan, step::parent_gone);
  for (int i = 0; i < 3; ++i)
    if (::dup2(plan.standard[static_cast<std::size_t>(i)], i) < 0)
      return fail(plan, step::redirect);
  // This program's descriptors are all close-on-exec; an embedding service's may not be.
  ::close_range(3, ~0U, 0);
  if (plan.directory && ::chdir(plan.directory) != 0) return fail(plan, step::directory);
  if (plan.files != 0) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && plan.files < limit.rlim_cur) {
      limit.rlim_cur = plan.files;
      ::setrlimit(RLIMIT_NOFILE, &limit);
    }
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.program, plan.arguments, plan.environment);
  return fail(plan, step::execute);
}

bool executable(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode)
         && ::access(path.c_str(), X_OK) == 0;
}

std::string explain(const launch_order& order, const std::string& program, step where, int error) {
  const auto reason = std::string{std::strerror(error)};
  switch (where) {
    case step::directory: return "cannot enter its cwd \"" + order.cwd + "\": " + reason;
    case step::execute:
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

/// Two sockets, one for each direction. A write to a dead worker must not raise SIGPIPE in an
/// embedding service (MSG_NOSIGNAL). One socket for both would share O_NONBLOCK between the
/// worker's input and output: asyncio sets it on stdin, and then `print` would fail.
bool open_socket(channel& result) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  result = {above_standard(ends[0]), above_standard(ends[1])};
  return result.ours && result.theirs && ::fcntl(result.ours.number(), F_SETFL, O_NONBLOCK) == 0;
}

bool open_pipe(channel& result) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  result = {above_standard(ends[0]), above_standard(ends[1])};
  return result.ours && result.theirs && ::fcntl(result.ours.number(), F_SETFL, O_NONBLOCK) == 0;
}

constexpr std::size_t stack_bytes = std::size_t{64} << 10;

struct started_child {
  int pid = -1;
  int pidfd = -1;
  int error = 0;
  bool grouped = false;
};

started_child clone_plainly(child_plan& plan, char* stack) {
  started_child result;
  auto* top = stack + stack_bytes;
  top -= reinterpret_cast<std::uintptr_t>(top) % 16;
  result.pid = ::clone(child_main, top, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan,
                       &result.pidfd);
  result.error = errno;
  return result;
}

#if defined(__x86_64__)
/// The arguments of clone3 (linux/sched.h of 5.7, which conflicts with the C library's header).
struct clone3_arguments {
  std::uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
      set_tid_size, cgroup;
};
constexpr std::uint64_t into_cgroup = 0x200000000ULL;

/// Starts the child directly in the group. A later move would wait for a machine-wide RCU grace
/// period, some ten milliseconds.
__attribute__((no_sanitize("address", "undefined", "thread"))) started_child clone_into(
    child_plan& plan, char* stack, int group) {
  started_child result;
  clone3_arguments how{};
  how.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | into_cgroup;
  how.pidfd = reinterpret_cast<std::uint64_t>(&result.pidfd);
  how.exit_signal = SIGCHLD;
  how.stack = reinterpret_cast<std::uint64_t>(stack);
  how.stack += (16 - how.stack % 16) % 16;
  how.stack_size = stack_bytes - 16;
  how.cgroup = static_cast<std::uint64_t>(group);
  long answer = SYS_clone3;
  register int (*run)(void*) __asm__("r8") = child_main;
  register void* argument __asm__("r9") = &plan;
  // The child continues on its own stack and must not return to this frame.
  __asm__ volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r9, %%rdi\n\t"
      "callq *%%r8\n\t"
      "hlt\n"
      "1:\n\t"
      : "+a"(answer)
      : "D"(&how), "S"(sizeof how), "r"(run), "r"(argument)
      : "rcx", "r11", "memory");
  result.pid = answer < 0 ? -1 : static_cast<int>(answer);
  result.error = answer < 0 ? static_cast<int>(-answer) : 0;
  return result;
}
#endif

started_child clone_child(child_plan& plan, char* stack, const std::string& group) {
  if (group.empty()) return clone_plainly(plan, stack);
#if defined(__x86_64__)
  {
    const descriptor directory{::open(group.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (directory) {
      auto result = clone_into(plan, stack, directory.number());
      result.grouped = true;
      // Before Linux 5.7, move the child to the group; if that is not allowed, start it without a
      // group.
      if (result.pid > 0) return result;
    }
  }
#endif
  const descriptor members{::open((group + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)};
  plan.group = members.number();
  auto result = clone_plainly(plan, stack);
  plan.group = -1;
  result.grouped = members && plan.failed_at != step::group;
  if (result.pid <= 0 || plan.failed_at != step::group) return result;
  siginfo_t gone{};
  ::waitid(P_PID, static_cast<id_t>(result.pid), &gone, WEXITED);
  ::close(result.pidfd);
  plan.failed_at = step::none;
  return clone_plainly(plan, stack);
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

launched launch(const launch_order& order) {
  launched result;
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
    program = order.command.front();
  if (program.empty()) {
    result.error = not_found(order);
    return result;
  }
  // Found relative to this process's directory, but executed in another directory.
  if (!order.cwd.empty() && program.front() != '/' && program != order.command.front())
    if (std::unique_ptr<char, decltype(&std::free)> whole{::realpath(program.c_str(), nullptr),
                                                          &std::free})
      program = whole.get();

  auto arguments = order.command;
  auto environment = build_environment(order);
  auto argument_pointers = pointers(arguments);
  auto environment_pointers = pointers(environment);

  channel in, out, err;
  const auto few_left = [&] {
    if (may_be_a_workers(err.theirs.number())) return false;
    errno = EMFILE;
    return true;
  };
  if (!open_socket(in) || !open_socket(out) || !open_pipe(err) || few_left()) {
    result.error = std::string{"cannot open its pipes: "} + std::strerror(errno)
                   + (errno == EMFILE ? " (raise the limit of open files: ulimit -n)" : "");
    return result;
  }
  child_plan plan;
  plan.program = program.c_str();
  plan.arguments = argument_pointers.data();
  plan.environment = environment_pointers.data();
  plan.directory = order.cwd.empty() ? nullptr : order.cwd.c_str();
  plan.standard = {in.theirs.number(), out.theirs.number(), err.theirs.number()};
  plan.parent = ::getpid();
  plan.files = file_limit_of_children();
  plan.outlives = order.outlives;

  const auto stack = std::make_unique<char[]>(stack_bytes);
  // No signal handler may run in the child, which shares this process's memory.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1, pid = -1, error = 0;
  {
    // A scan for unknown children (`spawned_here`) must not see this child before it is registered.
    const std::lock_guard lock{spawned().mutex};
    const auto child = clone_child(plan, stack.get(), order.group);
    pid = child.pid;
    pidfd = child.pidfd;
    error = child.error;
    result.grouped = child.grouped;
    if (pid > 0) spawned().pids.insert(pid);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    result.error = std::string{"cannot start a process: "} + std::strerror(error);
    return result;
  }
  result.pidfd = descriptor{pidfd};
  if (plan.failed_at != step::none) {
    siginfo_t gone{};
    ::waitid(P_PID, static_cast<id_t>(pid), &gone, WEXITED);
    forget_spawned(pid);
    result.error = explain(order, program, plan.failed_at, plan.error);
    return result;
  }
  result.pid = pid;
  result.in = std::move(in.ours);
  result.out = std::move(out.ours);
  result.err = std::move(err.ours);
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
