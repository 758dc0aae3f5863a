// A node that is stopped or reloaded while it has tasks.
#include "tests/integration/support/unsynced_node.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

TEST(Stopping, AnswersReloadRequestsWhileItDrains) {
  live_node node{unsynced_pool("max_warm: 2"), {{"one"}, {"two"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  auto running = node.begin("one", {{"do", "hold"}, {"file", "go"}});
  ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
  EXPECT_EQ(node.ask("POST", "/v1/reload").status, 200);
  node.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return node.task("two", 1).status == 503; }));
  const auto refused = node.ask("POST", "/v1/reload");
  EXPECT_EQ(refused.status, 409) << refused.text;
  EXPECT_NE(refused.detail().find("going down"), std::string::npos) << refused.text;
  node.release("go");
  EXPECT_EQ(running.get().status, 200);
  EXPECT_EQ(node.wait(), 0);
}

TEST(Stopping, DrainsAcceptedTasks) {
  live_node node{unsynced_pool("max_warm: 2"), {{"one"}, {"two"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  auto running = node.begin("one", {{"do", "hold"}, {"file", "go"}});
  ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
  auto waiting = node.begin("one", 2);
  ASSERT_TRUE(eventually(
      [&] { return node.get("/v1/specialists/one").body.value("queue_depth", 0) >= 1; }));
  node.signal(SIGTERM);
  answer refused;
  ASSERT_TRUE(eventually([&] { return (refused = node.task("two", 1)).status == 503; }));
  EXPECT_EQ(refused.type(), "urn:greenroom:draining") << refused.body;
  EXPECT_FALSE(refused.header("Retry-After").empty());
  EXPECT_EQ(node.get("/health/ready").status, 503);
  EXPECT_EQ(node.get("/health/live").status, 200);
  node.release("go");
  EXPECT_EQ(running.get().status, 200);
  EXPECT_EQ(waiting.get().status, 200);
  EXPECT_EQ(node.wait(), 0);
  EXPECT_TRUE(eventually([&] { return node.workers().empty(); }));
}

TEST(Stopping, EndsAtOnceOnASecondSignalAndGoesOnAtTheNextStart) {
  live_node node{unsynced_pool("max_warm: 2"), {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto task = node.task(async("one", {{"do", "hold"}, {"file", "go"}}));
  ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
  node.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return node.get("/health/ready").status == 503; }));
  node.signal(SIGTERM);
  // Far less than the grace of 30 s.
  EXPECT_NE(node.wait(10s), -1);
  EXPECT_TRUE(eventually([&] { return node.workers().empty(); }));
  node.release("go");
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_EQ(node.ended(task.id()).state(), "completed");
}

TEST(Stopping, ContinuesUnfinishedDurableTasksAfterTheGrace) {
  live_node node{unsynced_pool("max_warm: 2") + "shutdown_grace: 200ms\n", {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto task = node.task(async("one", {{"do", "hold"}, {"file", "go"}}));
  ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
  auto waiting = node.begin("one", 1);
  ASSERT_TRUE(eventually(
      [&] { return node.get("/v1/specialists/one").body.value("queue_depth", 0) >= 1; }));
  node.signal(SIGTERM);
  EXPECT_EQ(node.wait(), 0);
  EXPECT_NE(waiting.get().status, 0) << "a waiting caller gets an answer";
  node.release("go");
  ASSERT_TRUE(node.start()) << node.errors();
  EXPECT_EQ(node.ended(task.id()).state(), "completed");
}

TEST(Reload, AppliesAValidFile) {
  live_node node{unsynced_pool("max_warm: 3, min_residency: 0s"), {{"old"}, {"kept"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("old", 1).status, 200);
  ASSERT_EQ(node.task("kept", 1).status, 200);
  auto running = node.begin("kept", {{"do", "hold"}, {"file", "go"}});
  ASSERT_TRUE(eventually([&] { return node.count("run", "kept") == 2; }));
  node.configure(unsynced_pool("max_warm: 1, min_residency: 0s"), {{"kept"}, {"fresh"}});
  node.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return node.get("/v1/specialists/fresh").status == 200; }))
      << node.errors();
  EXPECT_TRUE(eventually([&] { return node.get("/v1/specialists/old").status == 404; }));
  EXPECT_EQ(node.task("old", 1).status, 404);
  EXPECT_TRUE(eventually([&] { return node.workers().size() == 1; })) << node.workers().size();
  node.release("go");
  const auto got = running.get();
  EXPECT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.body["attempts"], 1);
  EXPECT_EQ(node.task("fresh", 7).body["output"], 7);
  EXPECT_EQ(node.workers().size(), 1U);
}

TEST(Reload, ChangesNothingOnAnInvalidFile) {
  live_node node{unsynced_pool("max_warm: 2, min_residency: 0s"), {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("one", 1).status, 200);
  const auto refusals = [&] {
    std::size_t count = 0;
    const auto text = node.errors();
    for (auto at = text.find("config.kept"); at != std::string::npos;
         at = text.find("config.kept", at + 1))
      ++count;
    return count;
  };
  node.configure(unsynced_pool("max_warm: 2, max_wram: 3"), {{"one"}, {"two"}});
  node.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return refusals() == 1; })) << node.errors();
  EXPECT_NE(node.errors().find("max_wram"), std::string::npos);
  EXPECT_EQ(node.get("/v1/specialists/two").status, 404);
  node.configure(unsynced_pool("max_warm: 2"), {{"one"}, {"one"}});
  node.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return refusals() == 2; })) << node.errors();
  std::filesystem::remove(node.folder() / "node.yaml");
  node.signal(SIGHUP);
  ASSERT_TRUE(eventually([&] { return refusals() == 3; })) << node.errors();
  const auto got = node.task("one", 1);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body["cold_start"], false);
}

}  // namespace
}  // namespace greenroom::tests
