// Workers that are child processes and behave: every protocol, with real processes.
#include "runtime/machine/process/descriptor.hpp"
#include "tests/machine/worker_world.hpp"

#include <gmock/gmock.h>

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace greenroom::machine::testing {
namespace {

using config::worker_protocol;
using protocols::failure;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string tricky = R"({"text":"Gr\u00fc\u00dfe, \"Welt\"\n","list":[1,-2,2.5,true,null]})";

std::string example(const std::string& file) { return in_tree("apps/workers/examples/" + file); }

bool works(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

void expect_orderly_end(stage& world) {
  world.work->stop(std::chrono::seconds{10});
  ASSERT_TRUE(world.seen->gone());
  EXPECT_TRUE(world.seen->how().asked);
  EXPECT_FALSE(world.seen->how().before_ready);
  EXPECT_EQ(world.seen->times_ready(), 1);
  EXPECT_EQ(world.seen->times_gone(), 1);
}

void expect_searches(worker_protocol protocol, const std::string& name) {
  stage world{speaks(protocol, {"greenroom-worker", "--protocol", name})};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  EXPECT_GT(world.work->pid(), 0);
  const auto found = world.run(R"({"query":"session cache"})");
  EXPECT_EQ(found.why, failure::none) << found.output;
  EXPECT_THAT(found.output, StartsWith(R"({"specialist":"api-architect","department":"BACKEND")"));
  EXPECT_THAT(found.output, HasSubstr(R"("doc":)"));
  EXPECT_THAT(world.run(R"(["nothing", {"that": "zzz"}])").output, HasSubstr(R"("hits":[])"));
  world.work->ping();
  EXPECT_TRUE(world.seen->pong());
  expect_orderly_end(world);
}

TEST(ProcessWorker, SearchesInJsonLines) { expect_searches(worker_protocol::jsonl, "jsonl"); }
TEST(ProcessWorker, SearchesInMessagePack) { expect_searches(worker_protocol::msgpack, "msgpack"); }

void expect_echo(worker_protocol protocol, std::vector<std::string> command) {
  auto who = speaks(protocol, std::move(command));
  who.backend.start_timeout = patience;
  stage world{std::move(who)};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  const auto said = world.run(tricky);
  EXPECT_EQ(said.why, failure::none) << said.output;
  EXPECT_THAT(said.output, HasSubstr("api-architect"));
  EXPECT_THAT(said.output, HasSubstr("2.5"));
  EXPECT_THAT(said.output, HasSubstr(R"(\"Welt\"\n)"));
  // Pretty-printed input is still one message.
  EXPECT_EQ(world.run("{\n  \"a\": 1\r\n}\n").why, failure::none);
  expect_orderly_end(world);
}

TEST(ProcessWorker, RunsThePythonExampleInJsonLines) {
  expect_echo(worker_protocol::jsonl, {"python3", example("python_jsonl.py")});
}
TEST(ProcessWorker, RunsTheNodeExampleInJsonLines) {
  if (!works("node --version")) GTEST_SKIP() << "node is not installed";
  expect_echo(worker_protocol::jsonl, {"node", example("node_jsonl.js")});
}
TEST(ProcessWorker, RunsThePythonExampleInMessagePack) {
  // The first python3 may be another one than Debian's, which apt installs libraries for.
  for (const std::string python : {"python3", "/usr/bin/python3"}) {
    if (!works(python + " -c 'import msgpack'")) continue;
    expect_echo(worker_protocol::msgpack, {python, example("python_msgpack.py")});
    return;
  }
  GTEST_SKIP() << "python3-msgpack is not installed";
}
TEST(ProcessWorker, RunsTheNodeExampleInMessagePack) {
  if (!works("node -e 'require(\"@msgpack/msgpack\")'"))
    GTEST_SKIP() << "node or @msgpack/msgpack is not installed";
  expect_echo(worker_protocol::msgpack, {"node", example("node_msgpack.js")});
}

void expect_mcp(std::vector<std::string> command) {
  auto who = speaks(worker_protocol::mcp, std::move(command));
  who.backend.start_timeout = patience;
  stage world{std::move(who)};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  const auto said = world.run(R"({"tool":"echo","arguments":{"text":"hello\nworld"}})");
  EXPECT_EQ(said.why, failure::none);
  EXPECT_THAT(said.output, HasSubstr(R"(hello\nworld)"));
  EXPECT_THAT(said.output, HasSubstr(R"("content")"));
  EXPECT_THAT(world.run(R"({"method":"tools/list","params":{}})").output, HasSubstr("inputSchema"));
  const auto unknown = world.run(R"({"method":"no/such"})");
  EXPECT_EQ(unknown.why, failure::refused);
  EXPECT_FALSE(unknown.retryable);
  EXPECT_THAT(unknown.output, HasSubstr("no such method"));
  const auto malformed = world.run(R"({"query":"text"})");
  EXPECT_EQ(malformed.why, failure::refused);
  EXPECT_THAT(malformed.output, HasSubstr(R"({"tool":"…","arguments":{…}})"));
  world.work->ping();
  EXPECT_TRUE(world.seen->pong());
  expect_orderly_end(world);
}

TEST(ProcessWorker, RunsThePythonExampleOverMcp) {
  expect_mcp({"python3", example("python_mcp.py")});
}
TEST(ProcessWorker, RunsTheNodeExampleOverMcp) {
  if (!works("node --version")) GTEST_SKIP() << "node is not installed";
  expect_mcp({"node", example("node_mcp.js")});
}

TEST(ProcessWorker, TellsTheWorkerWhoItIs) {
  auto who = odd("environment");
  who.backend.cwd = "/usr";
  who.backend.env["GREENROOM_POOL"] = "not for the operator to say";
  worker_surroundings where;
  where.department = "SECURITY";
  where.pool = "baseline";
  where.node_mark = "unit:1";
  stage world{std::move(who), std::move(where)};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  EXPECT_EQ(world.run("1").output, R"(["api-architect","SECURITY","baseline","unit:1","/usr"])");
}

TEST(ProcessWorker, GivesTheWorkerACleanStart) {
  ::signal(SIGUSR1, SIG_IGN);
  const int leaked = ::dup(1);  // Not close-on-exec, as in a careless embedding service.
  {
    stage world{odd("signals")};
    ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
    // No signal ignored, none blocked, three descriptors, leader of its own process group.
    EXPECT_EQ(world.run("1").output, "[0,0,3,1]");
  }
  ::close(leaked);
  ::signal(SIGUSR1, SIG_DFL);
}

TEST(ProcessWorker, GivesChunksToThoseWhoWantThem) {
  stage world{odd("chunks")};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  EXPECT_EQ(world.run("1").output, R"("fine")");
  EXPECT_TRUE(world.seen->chunks().empty());
  auto job = world.task("1");
  job->streaming = true;
  world.work->run(job);
  ASSERT_TRUE(world.seen->ended(2));
  EXPECT_EQ(world.seen->chunks(), (std::vector<std::string>{"to ", "be ", "or"}));
}

TEST(ProcessWorker, KeepsManyTasksApart) {
  auto who = speaks(worker_protocol::msgpack, {"greenroom-worker"});
  who.backend.concurrency = 64;
  stage world{std::move(who)};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  for (int i = 0; i < 500; ++i) world.work->run(world.task(R"({"query":"token"})"));
  ASSERT_TRUE(world.seen->ended(500));
  for (std::size_t i = 0; i < 500; ++i) {
    EXPECT_EQ(world.seen->result(i).why, failure::none);
    EXPECT_EQ(world.seen->job(i)->id.number != 0 || i == 0, true);
  }
}

TEST(ProcessWorker, TakesInputsLargerThanAnyPipe) {
  stage world{speaks(worker_protocol::jsonl, {"python3", example("python_jsonl.py")})};
  ASSERT_TRUE(world.seen->ready()) << world.seen->how().why;
  const auto big = "\"" + std::string(5'000'000, 'x') + "\"";
  EXPECT_THAT(world.run(big).output, HasSubstr(big));
}

TEST(ProcessWorker, MayBeStartedAndStoppedManyTimesWithoutLeavingAnything) {
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
  };
  engine io{2};
  io.start();
  worker_surroundings where;
  where.io = &io;
  where.bin_directory = std::string{GREENROOM_BINARY_DIR} + "/bin";
  const auto once = [&] {
    const auto seen = std::make_shared<witness>();
    const auto who = speaks(worker_protocol::msgpack, {"greenroom-worker", "--memory-mb", "1"});
    const auto work = make_worker(who, where, nullptr, seen);
    work->start();
    ASSERT_TRUE(seen->ready()) << seen->how().why;
    work->stop(std::chrono::seconds{10});
    ASSERT_TRUE(seen->gone());
  };
  for (std::size_t i = 0; i < io.size(); ++i) once();  // Each loop opens what it needs once.
  const auto before = open_files();
  for (int i = 0; i < 200; ++i) once();
  EXPECT_EQ(open_files(), before);
}

TEST(ProcessWorker, IsKilledWhenNobodyHoldsItAnyMore) {
  const auto ends_without = [](bool engine_too) {
    auto world = std::make_unique<stage>(odd("ignore-term"));
    ASSERT_TRUE(world->seen->ready()) << world->seen->how().why;
    const descriptor pidfd{static_cast<int>(::syscall(SYS_pidfd_open, world->work->pid(), 0))};
    ASSERT_TRUE(pidfd);
    if (engine_too)
      world.reset();
    else
      world->work.reset();
    pollfd wait{pidfd.number(), POLLIN, 0};
    EXPECT_EQ(::poll(&wait, 1, 30'000), 1);
  };
  ends_without(false);
  ends_without(true);
}

}  // namespace
}  // namespace greenroom::machine::testing
