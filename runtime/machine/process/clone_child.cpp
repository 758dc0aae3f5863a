#include "runtime/machine/process/clone_child.hpp"

#include "runtime/machine/process/descriptor.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

namespace greenroom::machine {
namespace {

/// Also runs in the child: before an exit, the sanitizers would look for the parent thread's stack.
__attribute__((no_sanitize("address", "undefined", "thread"))) int fail(child_plan& plan,
                                                                        launch_step where) {
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
  if (plan.group >= 0 && ::write(plan.group, "0", 1) < 0) return fail(plan, launch_step::group);
  if (!plan.outlives) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the death signal was set.
  if (::getppid() != plan.parent) return fail(plan, launch_step::parent_gone);
  for (int i = 0; i < 3; ++i)
    if (::dup2(plan.standard[static_cast<std::size_t>(i)], i) < 0)
      return fail(plan, launch_step::redirect);
  // This program's descriptors are all close-on-exec; an embedding service's may not be.
  ::close_range(3, ~0U, 0);
  if (plan.directory && ::chdir(plan.directory) != 0) return fail(plan, launch_step::directory);
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
  return fail(plan, launch_step::execute);
}

started_child clone_plainly(child_plan& plan, char* stack) {
  started_child result;
  auto* top = stack + child_stack_bytes;
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
  how.stack_size = child_stack_bytes - 16;
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

}  // namespace

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
  result.grouped = members && plan.failed_at != launch_step::group;
  if (result.pid <= 0 || plan.failed_at != launch_step::group) return result;
  siginfo_t gone{};
  ::waitid(P_PID, static_cast<id_t>(result.pid), &gone, WEXITED);
  ::close(result.pidfd);
  plan.failed_at = launch_step::none;
  return clone_plainly(plan, stack);
}

}  // namespace greenroom::machine
