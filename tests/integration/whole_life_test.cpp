// One node with rollbacks, reloads, streams, scrapes and a stop at the same time, for the
// sanitizers.
#include "tests/integration/support/two_pools.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

TEST(WholeNode, IsScrapedReloadedRolledOutAndBackAndStoppedUnderLoad) {
  two_pools play{"shutdown_grace: 1s", "confirm: { raise_percentage: true, go_full: true }"};
  ASSERT_TRUE(play.node.start()) << play.node.errors();
  play.begin_traffic();
  std::atomic<bool> stop{false};
  std::atomic<int> scraped{0}, streamed{0};
  std::thread scrapes{[&] {
    while (!stop)
      for (const auto* path :
           {"/metrics", "/v1/status", "/v1/tasks?limit=50", "/v1/specialists", "/v1/predictions",
            "/v1/alerts", "/v1/rollout", "/v1/export", "/health/intelligent-pooling",
            "/v1/report?format=json", "/v1/diagnose/performance"}) {
        const auto answer = play.node.get(path);
        if (answer.status == 200) ++scraped;
      }
  }};
  std::thread streams{[&] {
    while (!stop) {
      raw_client chat{play.node.port()}, events{play.node.port()};
      events.send(get("/v1/events?after=0"));
      chat.send(post("/v1/chat/completions",
                     R"({"model":"s0","stream":true,"messages":[{"role":"user","content":"a"}]})"));
      if (chat.until("[DONE]").empty() || events.until("data: ").empty()) continue;
      ++streamed;
    }
  }};
  // Each round continues whatever the result of the round before: other tests check the results.
  for (int round = 0; round < 2; ++round) {
    // After a rollback a share is refused until the rollout is started again.
    if (round > 0) {
      EXPECT_EQ(play.route(50).status, 409);
      EXPECT_TRUE(eventually([&] { return play.steer("start").status == 200; }))
          << play.rollout().dump(1);
    }
    EXPECT_TRUE(eventually([&] { return play.route(50).status == 200; }, 60s))
        << play.rollout().dump(1);
    play.configure(round == 0 ? "shutdown_grace: 2s" : "shutdown_grace: 1s",
                   "confirm: { raise_percentage: true, go_full: true }", "");
    play.node.signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return play.heard()[200] > 50; }));
    static_cast<void>(play.roll_back({{"reason", "a round of life"}}));
    EXPECT_TRUE(eventually(
        [&] {
          const auto state = play.rollback_state();
          return state == "done" || state == "unverified";
        },
        60s))
        << play.rollback().dump(1);
    play.forget();
  }
  const auto scraped_before = scraped.load();
  EXPECT_TRUE(eventually([&] { return scraped > scraped_before + 20 && streamed > 3; }))
      << scraped << " and " << streamed;
  // Callers send tasks, streams are open, and some callers wait longer than the node runs.
  std::vector<raw_client> waiting;
  for (int i = 0; i < 6; ++i) {
    waiting.emplace_back(play.node.port());
    waiting.back().send(post("/v1/tasks", i % 2 == 0
                                              ? R"({"specialist":"s1","input":1})"
                                              : R"({"specialist":"s2","input":1,"durable":true})"));
    waiting.emplace_back(play.node.port());
    waiting.back().send(get("/v1/events?after=0"));
  }
  play.node.signal(SIGTERM);
  EXPECT_EQ(play.node.wait(60s), 0) << play.node.errors();
  stop = true;
  scrapes.join();
  streams.join();
  play.end_traffic();
  const auto said = play.node.errors();
  EXPECT_EQ(said.find("Sanitizer"), std::string::npos) << said;
  EXPECT_EQ(said.find("runtime error: "), std::string::npos) << said;
}

}  // namespace
}  // namespace greenroom::tests
