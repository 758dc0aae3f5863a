// Processes below the workers: launching, dying with the parent, sweeping and measuring.
#include "runtime/machine/process/launch.hpp"
#include "runtime/machine/process/line_limit.hpp"
#include "runtime/machine/process/proc_text.hpp"
#include "runtime/machine/process/process_keeper.hpp"
#include "runtime/machine/process/process_memory.hpp"
#include "runtime/machine/process/process_tree.hpp"
#include "runtime/machine/process/sweep.hpp"
#include "tests/machine/worker_world.hpp"

#include <gmock/gmock.h>

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

namespace greenroom::machine::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A pidfd of a process that need not be our child; invalid when there is none.
descriptor watch(int pid) {
  return descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}
bool ends(const descriptor& pidfd) {
  pollfd wait{pidfd.number(), POLLIN, 0};
  return !pidfd || ::poll(&wait, 1, 30'000) > 0;
}
launched launch_from_spawner(launch_order order) {
  std::promise<launched> started;
  spawner::shared().ask([&] { started.set_value(launch(order)); });
  return started.get_future().get();
}
std::string read_all(const descriptor& from) {
  std::string result;
  char room[256];
  for (;;) {
    pollfd wait{from.number(), POLLIN, 0};
    if (::poll(&wait, 1, 30'000) <= 0) return result;
    const auto count = ::read(from.number(), room, sizeof room);
    if (count <= 0) return result;
    result.append(room, static_cast<std::size_t>(count));
  }
}
std::string read_line(const descriptor& from) {
  std::string result;
  char byte = 0;
  for (;;) {
    pollfd wait{from.number(), POLLIN, 0};
    if (::poll(&wait, 1, 30'000) <= 0 || ::read(from.number(), &byte, 1) <= 0 || byte == '\n')
      return result;
    result.push_back(byte);
  }
}

TEST(Launch, LooksBesideTheNodeBeforePath) {
  EXPECT_EQ(find_program("sh", "", "/nowhere:/bin"), "/bin/sh");
  EXPECT_EQ(find_program("sh", "/usr/bin", "/bin"), "/usr/bin/sh");
  EXPECT_EQ(find_program("sh", "/etc", "/bin"), "/bin/sh");
  EXPECT_EQ(find_program("/bin/sh", "/etc", ""), "/bin/sh");
  EXPECT_EQ(find_program("passwd", "/etc", ""), "") << "a file that is not executable";
  EXPECT_EQ(find_program("", "/bin", "/bin"), "");
}

TEST(Launch, ConnectsAllThreeStandardDescriptors) {
  launch_order order;
  order.command = {"sh", "-c", "read line; echo \"out $line $COLOUR\"; echo err >&2"};
  order.env = {{"COLOUR", "green"}};
  auto child = launch_from_spawner(order);
  ASSERT_GT(child.pid, 0) << child.error;
  ASSERT_EQ(::write(child.in.number(), "in\n", 3), 3);
  EXPECT_EQ(read_all(child.out), "out in green\n");
  EXPECT_EQ(read_all(child.err), "err\n");
  EXPECT_TRUE(ends(child.pidfd));
  EXPECT_EQ(::waitpid(child.pid, nullptr, 0), child.pid);
}

TEST(Launch, SurvivesAThousandFailures) {
  launch_order order;
  order.command = {"/etc"};
  for (int i = 0; i < 1000; ++i) {
    const auto child = launch_from_spawner(order);
    ASSERT_EQ(child.pid, 0);
    ASSERT_THAT(child.error, HasSubstr("/etc"));
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no zombie is left";
}

/// A small node: starts a worker, says its number, and waits to be killed.
[[noreturn]] void be_a_node(int tell, launch_order order) {
  auto child = launch_from_spawner(std::move(order));
  const auto line = std::to_string(child.pid) + "\n";
  if (::write(tell, line.data(), line.size()) < 0) ::_exit(1);
  for (;;) ::pause();
}

/// Runs `be_a_node` in a process of its own; returns its number and that of its worker.
std::pair<int, int> start_node(launch_order order) {
  int pipe_ends[2];
  if (::pipe(pipe_ends) != 0) return {};
  const descriptor from{pipe_ends[0]};
  descriptor to{pipe_ends[1]};
  // fork alone does not bring the spawner's thread along, so the node must not have used it yet in
  // this process: the node is this program again.
  const int node = ::fork();
  if (node == 0) {
    std::string command;
    for (const auto& one : order.command) command += one + "\x1f";
    std::string env;
    for (const auto& [key, value] : order.env) env += key + "=" + value;
    ::setenv("GREENROOM_TEST_NODE", command.c_str(), 1);
    ::setenv("GREENROOM_TEST_NODE_ENV", env.c_str(), 1);
    ::dup2(to.number(), 3);
    ::execl("/proc/self/exe", "node", static_cast<char*>(nullptr));
    ::_exit(1);
  }
  to.close();
  return {node, std::stoi("0" + read_line(from))};
}

/// When this program was started as a node, it is one; before any test begins.
const bool is_node = [] {
  const char* const command = std::getenv("GREENROOM_TEST_NODE");
  if (!command) return false;
  launch_order order;
  for (std::string_view rest{command}; !rest.empty();) {
    const auto end = rest.find('\x1f');
    order.command.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  const std::string env = std::getenv("GREENROOM_TEST_NODE_ENV");
  if (const auto equals = env.find('='); equals != std::string::npos)
    order.env[env.substr(0, equals)] = env.substr(equals + 1);
  ::unsetenv("GREENROOM_TEST_NODE");
  be_a_node(3, order);
}();

TEST(Launch, KillsTheChildWithItsParent) {
  launch_order order;
  order.command = {"sleep", "3600"};
  const auto [node, worker] = start_node(order);
  ASSERT_GT(worker, 0);
  const auto seen = watch(worker);
  ASSERT_TRUE(seen);
  ::kill(node, SIGKILL);
  EXPECT_TRUE(ends(seen));
  ::waitpid(node, nullptr, 0);
}

TEST(Sweep, RemovesWhatAnEarlierLifeOfTheNodeLeft) {
  const auto house = "test-" + std::to_string(::getpid());
  launch_order order;
  // The worker dies with its node; what it started, in a group of its own and deaf, does not.
  order.command = {"sh", "-c", "setsid sh -c 'trap \"\" TERM; echo $$ >&2; sleep 3600' & wait"};
  order.env = {{mark_variable, house + ":1"}};
  auto child = launch_from_spawner(order);
  ASSERT_GT(child.pid, 0) << child.error;
  const int orphan = std::stoi("0" + read_line(child.err));
  const auto seen = watch(orphan);
  ASSERT_TRUE(seen);
  EXPECT_TRUE(sweep(house + ":1").empty()) << "those of this life stay";
  EXPECT_TRUE(sweep(house + "0:2").empty()) << "those of another house stay";
  EXPECT_TRUE(sweep("no-mark").empty());
  EXPECT_EQ(::kill(orphan, 0), 0);
  ::kill(-child.pid, SIGKILL);
  EXPECT_TRUE(ends(child.pidfd));
  ::waitpid(child.pid, nullptr, 0);
  const auto removed = sweep(house + ":2");
  EXPECT_TRUE(ends(seen));
  ASSERT_GE(removed.size(), 1U);
  for (const auto& one : removed) {
    EXPECT_TRUE(one.gone);
    EXPECT_EQ(one.mark, house + ":1");
  }
  EXPECT_TRUE(sweep(house + ":2").empty());
}

/// How often a process has waited for something, as the kernel counts it.
long waits_of(int pid) {
  const auto text = proc_text("/proc/" + std::to_string(pid) + "/status");
  constexpr std::string_view name = "\nvoluntary_ctxt_switches:";
  const auto at = text.find(name);
  return at == std::string::npos ? -1 : std::stol(text.substr(at + name.size()));
}

TEST(Guardian, LeavesTheOwnChildrenOfAnEmbeddingServiceAlone) {
  for (const bool all : {false, true}) {
    const auto mark = "0123456789abcdef:" + std::to_string(::getpid()) + (all ? "a" : "m");
    // A service with a child of its own and a worker; the worker starts one that has left its
    // session and forgotten its environment.
    launch_order order;
    order.command = {"sh", "-c",
                     "setsid sleep 3600 & echo $! >&2; "
                     "GREENROOM_NODE_MARK="
                         + mark + " sh -c 'setsid env -i sleep 3600 & echo $! >&2; wait' & wait"};
    auto service = launch_from_spawner(order);
    ASSERT_GT(service.pid, 0) << service.error;
    const int own = std::stoi("0" + read_line(service.err));
    const int nameless = std::stoi("0" + read_line(service.err));
    const auto own_seen = watch(own), nameless_seen = watch(nameless);
    ASSERT_TRUE(own_seen && nameless_seen);
    launch_order guarding;
    guarding.command = {"greenroom-guardian",
                        std::to_string(service.pid),
                        std::to_string(stat_of_process(service.pid).started),
                        "-",
                        mark,
                        "-",
                        all ? "all" : "marked"};
    guarding.bin_directory = std::string{GREENROOM_BINARY_DIR} + "/bin";
    const auto guardian = launch_from_spawner(guarding);
    ASSERT_GT(guardian.pid, 0) << guardian.error;
    // It waits before each of its looks, and now and then while it is loaded.
    const auto enough = waits_of(guardian.pid) + 6;
    pollfd end{guardian.pidfd.number(), POLLIN, 0};
    while (waits_of(guardian.pid) < enough) ASSERT_EQ(::poll(&end, 1, 5), 0);
    ::kill(service.pid, SIGKILL);
    ::waitpid(service.pid, nullptr, 0);
    EXPECT_TRUE(ends(guardian.pidfd));
    ::waitpid(guardian.pid, nullptr, 0);
    EXPECT_TRUE(ends(nameless_seen));
    if (!all) {
      pollfd end_of_own{own_seen.number(), POLLIN, 0};
      EXPECT_EQ(::poll(&end_of_own, 1, 0), 0) << "it is no worker's";
      ::kill(own, SIGKILL);
    }
    EXPECT_TRUE(ends(own_seen));
    forget_spawned(service.pid);
    forget_spawned(guardian.pid);
  }
}

/// The guardian among this process's children but `other`; 0: there is none in time. A program that
/// has just been executed has no command line yet.
int guardian_here(int other = 0) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (std::chrono::steady_clock::now() < until) {
    for (const int child : children_of(::getpid()))
      if (child != other
          && proc_text("/proc/" + std::to_string(child) + "/cmdline").find("greenroom-guardian")
                 != std::string::npos)
        return child;
    std::this_thread::yield();
  }
  return 0;
}

TEST(Guardian, IsStartedAgainAndSaidWhenItWasKilled) {
  std::promise<std::string> said;
  std::atomic<int> times{0};
  process_keeper::options how;
  how.mark = "0123456789abcdef:" + std::to_string(::getpid()) + "k";
  how.bin_directory = std::string{GREENROOM_BINARY_DIR} + "/bin";
  how.control_groups = false;
  how.say = [&](const std::string& what) {
    if (times++ == 0) said.set_value(what);
  };
  const auto keeper = process_keeper::start(how);
  ASSERT_EQ(keeper->lacks().find("guardian"), std::string::npos) << keeper->lacks();
  const auto first = guardian_here();
  ASSERT_NE(first, 0);
  ::kill(first, SIGKILL);
  auto heard = said.get_future();
  ASSERT_EQ(heard.wait_for(std::chrono::seconds{30}), std::future_status::ready);
  EXPECT_THAT(heard.get(), HasSubstr("greenroom-guardian has ended and is started again"));
  const auto second = watch(guardian_here(first));
  EXPECT_TRUE(second);
  keeper->close();
  EXPECT_TRUE(ends(second));
  EXPECT_EQ(times, 1);
}

TEST(ProcessUsage, SeesMemoryThatIsReallyThere) {
  for (const std::size_t megabytes : {5U, 20U}) {
    stage world{speaks(config::worker_protocol::msgpack,
                       {"greenroom-worker", "--memory-mb", std::to_string(megabytes)})};
    ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
    const auto usage = measure_process(world.work->pid());
    EXPECT_NEAR(static_cast<double>(usage.memory_bytes) / (1 << 20), static_cast<double>(megabytes),
                0.15 * static_cast<double>(megabytes));
    EXPECT_EQ(usage.processes, 1);
  }
  EXPECT_EQ(measure_process(0).memory_bytes, 0U);
  EXPECT_EQ(measure_process(1 << 30).processes, 0);
}

TEST(ProcessUsage, CountsProcessorTime) {
  launch_order order;
  order.command = {"sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo; read x"};
  auto child = launch_from_spawner(order);
  ASSERT_GT(child.pid, 0);
  read_line(child.out);
  EXPECT_GE(measure_process(child.pid).processor_time.count(), 10);
  child.in.close();
  ::waitpid(child.pid, nullptr, 0);
}

TEST(LineLimit, JoinsPiecesAndCutsLongLines) {
  line_limit lines{{.line_bytes_max = 8, .lines_per_second = 100, .burst = 200}};
  std::vector<std::string> got;
  const auto take = [&](std::string_view line) { got.emplace_back(line); };
  lines.feed("ab", 1, take);
  lines.feed("c\r\n\n12345678\n123456789", 1, take);
  lines.feed("0\nend", 1, take);
  lines.finish(1, take);
  EXPECT_THAT(got, ElementsAre("abc", "12345678", "12345678 [cut]", "end"));
}

TEST(LineLimit, DropsAndCountsWhatIsTooMuch) {
  line_limit lines{{.line_bytes_max = 80, .lines_per_second = 10, .burst = 3}};
  std::vector<std::string> got;
  const auto take = [&](std::string_view line) { got.emplace_back(line); };
  lines.feed("1\n2\n3\n4\n5\n", 1, take);
  EXPECT_THAT(got, ElementsAre("1", "2", "3"));
  lines.feed("6\n", 100'000'000, take);  // A nanosecond too early.
  EXPECT_EQ(got.size(), 3U);
  lines.feed("7\n", 100'000'001, take);
  EXPECT_THAT(got, ElementsAre("1", "2", "3", "3 lines dropped", "7"));
}

}  // namespace
}  // namespace greenroom::machine::testing
