// Workers of the field: behind wrappers, with daemons, with state, with side effects, and with
// input that many programs cannot read.
#include "tests/integration/support/live_node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

const std::string quick =
    "version: 1\njournal: { fsync: false }\nretry: { base: 10ms, max: 50ms }\n";

std::string script(const std::string& path) {
  return (std::filesystem::path{GREENROOM_SOURCE_DIR} / path).string();
}

std::string specialist(const std::string& name, const std::string& backend) {
  return "      - name: " + name + "\n        backend: { kind: process, " + backend + " }\n";
}

/// An MCP server of tests/workers/odd_mcp.py that logs its requests in `file`.
std::string mcp_server(const std::string& name, const std::string& file,
                       const std::string& more = {}) {
  return specialist(name, "protocol: mcp, command: [" + live_node::python() + ", -S, "
                              + script("tests/workers/odd_mcp.py") + ", plain, " + file + "]"
                              + more);
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::vector<std::string> result;
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

std::size_t count_of(const std::filesystem::path& file, const std::string& line) {
  const auto all = lines_of(file);
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), line));
}

double metric(const live_node& node, const std::string& name) {
  const auto text = node.get("/metrics").text;
  const auto at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

// -- processes ----------------------------------------------------------------

/// A worker that starts one process of each kind that is hard to find, writes the process IDs into
/// `family` and answers.
constexpr auto family_worker = R"py(
import json, os, signal, sys, time
def keep(name):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with open("family", "a") as file:
        file.write("%s %d\n" % (name, os.getpid()))
    for fd in (0, 1, 2):
        os.close(fd)
    time.sleep(3600)
    os._exit(0)
def fork(name, session=False, twice=False, env=True):
    if os.fork():
        return
    if session:
        os.setsid()
    if twice and os.fork():
        os._exit(0)
    if env:
        keep(name)
    code = "g = {'__name__': 'x'}; exec(open('family.py').read(), g); g['keep'](%r)" % name
    os.execve(sys.executable, [sys.executable, "-S", "-c", code], {})
if __name__ == "__main__":
    fork("child")
    fork("session", session=True)
    fork("daemon", session=True, twice=True)
    fork("nameless", session=True, env=False)
    while len(open("family").readlines()) < 4 if os.path.exists("family") else True:
        time.sleep(0.01)
    with open("family", "a") as file:
        file.write("worker %d\n" % os.getpid())
    print('{"type":"ready"}', flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        print(json.dumps({"type": "result" if "id" in task else "pong", "id": task.get("id", ""), "output": 1}), flush=True)
)py";

class WorkerProcesses : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    if (GetParam() == "without_groups" && !node.hide_control_groups())
      GTEST_SKIP() << "only root can hide control groups";
    node.write_file("family.py", family_worker);
    const auto run = live_node::python() + " -S family.py";
    node.write_configuration(
        quick + "departments:\n  - name: D\n    specialists:\n"
        + specialist("wrapped", "protocol: jsonl, cwd: " + node.folder().string()
                                    + ", command: [sh, -c, \"" + run + "; exit 0\"]"
                                    + ", stop_timeout: 500ms"));
    ASSERT_TRUE(node.start()) << node.errors();
    ASSERT_EQ(node.task("wrapped", 1).status, 200);
    for (const auto& line : lines_of(node.folder() / "family")) {
      const auto blank = line.find(' ');
      family[line.substr(0, blank)] = std::stoi(line.substr(blank + 1));
    }
    ASSERT_EQ(family.size(), 5U);
    for (const auto& [name, pid] : family) ASSERT_TRUE(is_alive(pid)) << name;
  }
  void TearDown() override {
    // A failed test must not leave processes behind either.
    for (const auto& [name, pid] : family)
      if (is_alive(pid)) ::kill(pid, SIGKILL);
  }
  void expect_all_gone() {
    for (const auto& [name, pid] : family)
      EXPECT_TRUE(eventually([&] { return !is_alive(pid); }, 10s)) << name;
  }
  live_node node{"", {}};
  std::map<std::string, int> family;
};

TEST_P(WorkerProcesses, EndWithTheirWorker) {
  ASSERT_EQ(node.ask("POST", "/v1/specialists/wrapped/cool").status, 200);
  expect_all_gone();
  EXPECT_TRUE(
      eventually([&] { return metric(node, "greenroom_worker_orphans_ended_total") >= 3; }));
  // Again for the next worker, which starts one process of each kind, too.
  std::filesystem::remove(node.folder() / "family");
  EXPECT_EQ(node.task("wrapped", 1).status, 200);
}

/// The kernel's count of a process's waits; 0: there is no such process.
long waits_of(int pid) {
  for (const auto& line : lines_of("/proc/" + std::to_string(pid) + "/status"))
    if (line.starts_with("voluntary_ctxt_switches:")) return std::stol(line.substr(24));
  return 0;
}

/// The process ID of a node's guardian; 0: the node has none.
int guardian_of(int node) {
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const auto facts = lines_of(entry.path() / "status");
    if (facts.empty() || facts.front() != "Name:\tgreenroom-guard") continue;
    for (const auto& line : facts)
      if (line == "PPid:\t" + std::to_string(node)) return std::stoi(entry.path().filename());
  }
  return 0;
}

TEST_P(WorkerProcesses, EndWithTheirNodeWhenItIsKilled) {
  if (GetParam() == "without_groups") {
    // A process that left its session and cleared its environment is known only to a guardian that
    // saw the process before. The guardian waits before each scan, so the third wait follows a
    // scan.
    const int guardian = guardian_of(node.pid());
    ASSERT_GT(guardian, 0);
    const auto enough = waits_of(guardian) + 3;
    ASSERT_TRUE(eventually([&] { return waits_of(guardian) >= enough; }));
  }
  node.kill();
  expect_all_gone();
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_GE(metric(node, "greenroom_worker_orphans_ended_total"), 3);
}

TEST_P(WorkerProcesses, EndWithTheirNodeWhenItIsStopped) {
  node.signal(SIGTERM);
  EXPECT_EQ(node.wait(), 0) << node.errors();
  expect_all_gone();
}

INSTANTIATE_TEST_SUITE_P(Held, WorkerProcesses, testing::Values("with_groups", "without_groups"),
                         [](const auto& one) { return one.param; });

// -- side effects -------------------------------------------------------------

TEST(McpSideEffects, AreRepeatedOnlyWhereTheToolOrTheConfigurationSaysSo) {
  live_node node{"", {}};
  const auto file = [&](const std::string& name) { return (node.folder() / name).string(); };
  node.write_configuration(
      "version: 1\njournal: { fsync: false }\n"
      "retry: { max_attempts: 3, base: 10ms, max: 50ms }\n"
      "breaker: { failures: 100 }\n"
      + std::string{"departments:\n  - name: D\n    specialists:\n"}
      + mcp_server("cold", file("cold")) + mcp_server("known", file("known"))
      + mcp_server("bound", file("bound"), ", side_effects: idempotent")
      + mcp_server("strict", file("strict"), ", side_effects: unsafe"));
  ASSERT_TRUE(node.start()) << node.errors();
  const auto die = [&](const std::string& who, const std::string& tool) {
    // Successes in between keep the circuit closed; the worker's tools are known by then.
    if (who != "cold") {
      EXPECT_EQ(node.task(who, {{"method", "tools/list"}}).status, 200);
    }
    return node.task(who, {{"tool", tool}, {"arguments", {{"die", true}}}});
  };
  // The tools were never listed, so not even a read-only tool is repeated.
  auto got = die("cold", "read");
  EXPECT_EQ(got.status, 502) << got.body;
  EXPECT_EQ(got.type(), "urn:greenroom:unknown-end") << got.body;
  EXPECT_EQ(count_of(file("cold"), "call read"), 1U);
  // The tools were listed, so their annotations decide. Methods are repeated.
  got = die("known", "append");
  EXPECT_EQ(got.type(), "urn:greenroom:unknown-end") << got.body;
  EXPECT_EQ(count_of(file("known"), "call append"), 1U);
  got = die("known", "nobody-knows-it");
  EXPECT_EQ(got.type(), "urn:greenroom:unknown-end") << got.body;
  EXPECT_EQ(count_of(file("known"), "call nobody-knows-it"), 1U);
  got = die("known", "read");
  EXPECT_EQ(got.type(), "urn:greenroom:worker-failed") << got.body;
  EXPECT_EQ(count_of(file("known"), "call read"), 3U);
  got = die("known", "put");
  EXPECT_EQ(got.type(), "urn:greenroom:worker-failed") << got.body;
  EXPECT_EQ(count_of(file("known"), "call put"), 3U);
  // A written `side_effects` applies to all tools.
  got = die("bound", "append");
  EXPECT_EQ(got.type(), "urn:greenroom:worker-failed") << got.body;
  EXPECT_EQ(count_of(file("bound"), "call append"), 3U);
  got = die("strict", "read");
  EXPECT_EQ(got.type(), "urn:greenroom:unknown-end") << got.body;
  EXPECT_EQ(count_of(file("strict"), "call read"), 1U);
}

// -- cancelling ---------------------------------------------------------------

TEST(Cancelling, KeepsAnMcpServerAndItsState) {
  live_node node{"", {}};
  const auto file = (node.folder() / "heard").string();
  node.write_configuration(quick + "departments:\n  - name: D\n    specialists:\n"
                           + mcp_server("server", file));
  ASSERT_TRUE(node.start()) << node.errors();
  const auto call = [](const std::string& tool) {
    return json{{"specialist", "server"},
                {"input", {{"tool", tool}, {"arguments", json::object()}}}};
  };
  ASSERT_EQ(node.task(call("plain")).status, 200);
  const auto pid = node.get("/v1/specialists/server").body["pid"];
  const auto cancelled = [&] {
    const auto all = lines_of(file);
    return std::count_if(all.begin(), all.end(),
                         [](const std::string& line) { return line.starts_with("cancelled "); });
  };
  // By the task's timeout.
  auto timed = call("hold");
  timed["timeout_ms"] = 300;
  EXPECT_EQ(node.task(timed).status, 504);
  EXPECT_TRUE(eventually([&] { return cancelled() == 1; }));
  // By DELETE.
  auto async = call("hold");
  async["mode"] = "async";
  const auto accepted = node.task(async);
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  EXPECT_TRUE(eventually([&] { return count_of(file, "call hold") == 2; }));
  EXPECT_EQ(node.ask("DELETE", "/v1/tasks/" + accepted.id()).state(), "cancelled");
  EXPECT_TRUE(eventually([&] { return cancelled() == 2; }));
  EXPECT_EQ(node.task(call("plain")).status, 200);
  EXPECT_EQ(node.get("/v1/specialists/server").body["pid"], pid);
  EXPECT_EQ(count_of(file, "initialize 2025-11-25"), 1U);
}

TEST(Cancelling, EndsAWorkerThatNeitherAnswersNorLetsGo) {
  live_node node{"", {}};
  const auto file = (node.folder() / "heard").string();
  node.write_configuration(quick + "departments:\n  - name: D\n    specialists:\n"
                           + mcp_server("server", file, ", stop_timeout: 300ms"));
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("server", {{"tool", "plain"}}).status, 200);
  const auto got = node.task(json{{"specialist", "server"},
                                  {"input", {{"tool", "block"}, {"arguments", json::object()}}},
                                  {"timeout_ms", 300}});
  EXPECT_EQ(got.status, 504) << got.body;
  EXPECT_EQ(node.task("server", {{"tool", "plain"}}).status, 200);
  EXPECT_TRUE(eventually([&] { return count_of(file, "initialize 2025-11-25") == 2; }));
}

// -- unusual input ---------------------------------------------------------------

TEST(PoisonInput, IsRefusedAtTheDoorAndHarmsNobody) {
  live_node node{"journal: { fsync: false }\nretry: { base: 10ms, max: 50ms }\n", {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  for (int i = 0; i < 10; ++i) {
    const auto got =
        node.ask("POST", "/v1/tasks", R"({"specialist":"one","input":{"x":[1,-1e999]}})");
    EXPECT_EQ(got.status, 400) << got.body;
    EXPECT_NE(got.detail().find("-1e999"), std::string::npos) << got.body;
  }
  const auto half = node.ask("POST", "/v1/tasks", R"({"specialist":"one","input":{"x":"\ud83d"}})");
  EXPECT_EQ(half.status, 200) << half.body;
  EXPECT_EQ(node.task("one", 1).status, 200);
  EXPECT_EQ(node.count("start", "one"), 1U);
}

}  // namespace
}  // namespace greenroom::tests
