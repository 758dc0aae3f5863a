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

/// Reads every kind of report and opens streams on a node until the reader is stopped.
class background_readers {
public:
  explicit background_readers(two_pools& pools)
      : scrapes_{[&] { scrape(pools); }}, streams_{[&] { stream(pools); }} {}
  ~background_readers() { stop(); }
  background_readers(const background_readers&) = delete;
  background_readers& operator=(const background_readers&) = delete;

  void stop() {
    stopped_ = true;
    if (scrapes_.joinable()) scrapes_.join();
    if (streams_.joinable()) streams_.join();
  }
  [[nodiscard]] int scraped() const { return scraped_; }
  [[nodiscard]] int streamed() const { return streamed_; }

private:
  void scrape(two_pools& pools) {
    while (!stopped_)
      for (const auto* path :
           {"/metrics", "/v1/status", "/v1/tasks?limit=50", "/v1/specialists", "/v1/predictions",
            "/v1/alerts", "/v1/rollout", "/v1/export", "/health/intelligent-pooling",
            "/v1/report?format=json", "/v1/diagnose/performance"}) {
        const auto answer = pools.node.get(path);
        if (answer.status == 200) ++scraped_;
      }
  }
  void stream(two_pools& pools) {
    while (!stopped_) {
      raw_client chat{pools.node.port()}, events{pools.node.port()};
      events.send(get("/v1/events?after=0"));
      chat.send(post("/v1/chat/completions",
                     R"({"model":"s0","stream":true,"messages":[{"role":"user","content":"a"}]})"));
      if (chat.until("[DONE]").empty() || events.until("data: ").empty()) continue;
      ++streamed_;
    }
  }

  std::atomic<bool> stopped_{false};
  std::atomic<int> scraped_{0}, streamed_{0};
  // Last: the threads use the members above.
  std::thread scrapes_, streams_;
};

/// Moves half of the traffic, reloads, and rolls back. The round continues whatever its results:
/// other tests check the results.
void run_round(two_pools& pools, int round) {
  // After a rollback a share is refused until the rollout is started again.
  if (round > 0) {
    EXPECT_EQ(pools.route(50).status, 409);
    EXPECT_TRUE(eventually([&] { return pools.steer("start").status == 200; }))
        << pools.rollout().dump(1);
  }
  EXPECT_TRUE(eventually([&] { return pools.route(50).status == 200; }, 60s))
      << pools.rollout().dump(1);
  pools.configure(round == 0 ? "shutdown_grace: 2s" : "shutdown_grace: 1s",
                  "confirm: { raise_percentage: true, go_full: true }", "");
  pools.node.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return pools.statuses()[200] > 50; }));
  static_cast<void>(pools.roll_back({{"reason", "one round"}}));
  EXPECT_TRUE(eventually(
      [&] {
        const auto state = pools.rollback_state();
        return state == "done" || state == "unverified";
      },
      60s))
      << pools.rollback().dump(1);
  pools.forget();
}

/// Opens tasks and streams whose callers wait longer than the node runs.
std::vector<raw_client> waiting_callers(std::uint16_t port) {
  std::vector<raw_client> waiting;
  for (int i = 0; i < 6; ++i) {
    waiting.emplace_back(port);
    waiting.back().send(post("/v1/tasks", i % 2 == 0
                                              ? R"({"specialist":"s1","input":1})"
                                              : R"({"specialist":"s2","input":1,"durable":true})"));
    waiting.emplace_back(port);
    waiting.back().send(get("/v1/events?after=0"));
  }
  return waiting;
}

TEST(WholeNode, IsScrapedReloadedRolledOutAndBackAndStoppedUnderLoad) {
  two_pools pools{"shutdown_grace: 1s", "confirm: { raise_percentage: true, go_full: true }"};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  pools.begin_traffic();
  background_readers readers{pools};
  for (int round = 0; round < 2; ++round) run_round(pools, round);
  const auto scraped_before = readers.scraped();
  EXPECT_TRUE(eventually([&] {
    return readers.scraped() > scraped_before + 20 && readers.streamed() > 3;
  })) << readers.scraped()
      << " and " << readers.streamed();
  const auto waiting = waiting_callers(pools.node.port());
  pools.node.signal(SIGTERM);
  EXPECT_EQ(pools.node.wait(60s), 0) << pools.node.errors();
  readers.stop();
  pools.end_traffic();
  const auto errors = pools.node.errors();
  EXPECT_EQ(errors.find("Sanitizer"), std::string::npos) << errors;
  EXPECT_EQ(errors.find("runtime error: "), std::string::npos) << errors;
}

}  // namespace
}  // namespace greenroom::tests
