// Nodes on machines with a fault: the wall clock is set, or stderr is not read.
#include "tests/integration/support/live_node.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool may_preload = false;  // The sanitizer's runtime must be loaded first.
#else
constexpr bool may_preload = true;
#endif

TEST(NodeEnvironment, GoesOnAsBeforeWhenSomebodySetsTheWallClock) {
  if (!may_preload) GTEST_SKIP() << "nothing can be preloaded into this build";
  live_node node{"health_interval: 1s\npool: { mode: baseline }", {{.name = "one"}}};
  const auto book = node.folder() / "clock";
  const auto set_clock = [&](std::int64_t seconds_off) {
    // Written in place: the node has mapped this file.
    std::fstream file{book, std::ios::binary | std::ios::in | std::ios::out};
    file.write(reinterpret_cast<const char*>(&seconds_off), sizeof seconds_off);
  };
  node.write_file("clock", std::string(sizeof(std::int64_t), '\0'));
  node.set_environment("WALL_CLOCK_BOOK", book.string());
  node.set_environment(
      "LD_PRELOAD",
      (std::filesystem::path{GREENROOM_BINARY_DIR} / "lib" / "libwall_clock.so").string());
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("one", 1).status, 200);
  const auto healthy = [&] {
    return node.get("/health/intelligent-pooling").body.value("status", "") == "HEALTHY";
  };
  ASSERT_TRUE(eventually(healthy)) << node.get("/health/intelligent-pooling").body;
  constexpr std::int64_t year = 365 * 86400;
  for (const auto off : {year, -10 * year, std::int64_t{0}}) {
    set_clock(off);
    const auto health = node.get("/health/intelligent-pooling").body;
    EXPECT_EQ(health.value("status", ""), "HEALTHY") << health;
    const auto uptime_ms = health.value("uptime", std::int64_t{-1});
    EXPECT_GE(uptime_ms, 0);
    EXPECT_LT(uptime_ms, year * 1000);
    // A task that runs while the clock is set ends normally.
    auto running = node.begin("one", {{"do", "hold"}, {"file", "answer"}});
    ASSERT_TRUE(eventually([&] { return node.state_of("one") == "busy"; }));
    set_clock(off - 3600);
    set_clock(off + 3600);
    const auto behind = node.task({{"specialist", "one"}, {"input", 3}, {"mode", "async"}});
    ASSERT_EQ(behind.status, 202);
    node.release("answer");
    EXPECT_EQ(running.get().status, 200);
    EXPECT_EQ(node.ended(behind.id()).state(), "completed");
    std::filesystem::remove(node.folder() / "answer");
    // `accepted_at` follows the clock as it is now.
    const auto told_by_it = [&] {
      const auto now_s = std::time(nullptr) + off + 3600;
      std::array<char, 32> hour{};
      std::strftime(hour.data(), hour.size(), "%Y-%m-%dT%H:", std::gmtime(&now_s));
      const auto task = node.task({{"specialist", "one"}, {"input", 4}, {"mode", "async"}});
      return node.ended(task.id()).body.value("accepted_at", "").starts_with(hour.data());
    };
    EXPECT_TRUE(eventually(told_by_it)) << off;
  }
  // A hanging task ends after its timeout.
  const json hung{{"specialist", "one"}, {"input", {{"do", "hang"}}}, {"timeout_ms", 300}};
  EXPECT_EQ(node.task(hung).status, 504);
}

TEST(NodeEnvironment, EndsAlsoWhenNobodyReadsWhatItWrites) {
  live_node node{"", {{.name = "one"}}};
  // The node writes into a pipe that stays full.
  const auto pipe = node.folder() / "errors";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int held = ::open(pipe.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(held, 0);
  const std::string dust(4096, '.');
  while (::write(held, dust.data(), dust.size()) > 0) {
  }
  ASSERT_TRUE(node.start());
  EXPECT_EQ(node.task("one", 1).status, 200);
  node.signal(SIGTERM);
  EXPECT_EQ(node.wait(), 0);
  ::close(held);
}

}  // namespace
}  // namespace greenroom::tests
