// More tasks than fit: which are refused, and which are not affected.
#include "tests/integration/support/live_node.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

const std::string four_warm = "journal: { fsync: false }\npool: { max_warm: 4 }\n";

/// Number of answers by HTTP status.
std::map<int, int> flood(const live_node& node, int clients, int each, const std::string& body) {
  std::vector<std::map<int, int>> statuses(static_cast<std::size_t>(clients));
  std::vector<std::thread> threads;
  for (auto& of_client : statuses)
    threads.emplace_back([&] {
      raw_client client{node.port()};
      for (int i = 0; i < each; ++i) {
        if (!client.send(post("/v1/tasks", body))) break;
        ++of_client[status_of(client.answer())];
      }
    });
  for (auto& one : threads) one.join();
  std::map<int, int> sum;
  for (const auto& of_client : statuses)
    for (const auto& [status, count] : of_client) sum[status] += count;
  return sum;
}

std::string held(const std::string& specialist, std::size_t weight = 0) {
  return json{{"specialist", specialist},
              {"mode", "async"},
              {"input", {{"do", "hold"}, {"file", "go"}, {"weight", std::string(weight, 'x')}}}}
      .dump();
}

TEST(Backpressure, ShedsAFloodFlatlyAndLeavesTheNeighbourAlone) {
  live_node node{four_warm + "queue: { per_specialist: 32, total: 4096 }\n",
                 {{"victim"}, {"calm"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("calm", 0).status, 200);
  std::atomic<bool> over{false};
  int fine = 0, other = 0;
  std::thread neighbour{[&] {
    while (!over) ++(node.task("calm", 1).status == 200 ? fine : other);
  }};
  const auto first = flood(node, 8, 300, held("victim", 20'000));
  const auto before = resident_kib(node.pid());
  const auto second = flood(node, 8, 700, held("victim", 20'000));
  const auto after = resident_kib(node.pid());
  over = true;
  neighbour.join();
  // Accepted tasks fill the queue and the worker; all others are refused.
  EXPECT_GE(first.at(202), 32);
  EXPECT_LE(first.at(202), 40);
  EXPECT_EQ(first.at(202) + first.at(503), 8 * 300);
  EXPECT_EQ(second.at(503), 8 * 700);
  EXPECT_LT(after, before + 8 * 1024) << before;
  EXPECT_EQ(other, 0);
  EXPECT_GT(fine, 0);
  const auto refused = node.task(json::parse(held("victim")));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.type(), "urn:greenroom:queue-full");
  EXPECT_GE(std::atoi(refused.header("Retry-After").c_str()), 1);
  EXPECT_NE(refused.detail().find("victim"), std::string::npos);
  // Every accepted task is run once.
  node.release("go");
  const auto taken = static_cast<std::size_t>(first.at(202));
  EXPECT_TRUE(eventually([&] { return node.count("done", "victim") == taken; }))
      << node.count("done", "victim") << " of " << taken;
  EXPECT_TRUE(eventually([&] {
    return node.get("/v1/tasks?state=completed&specialist=victim&limit=1000").body["items"].size()
           == taken;
  }));
  EXPECT_EQ(node.count("run", "victim"), taken);
}

TEST(Backpressure, BoundsTheTotalToo) {
  live_node node{four_warm + "queue: { per_specialist: 32, total: 40 }\n", many(4)};
  ASSERT_TRUE(node.start()) << node.errors();
  int taken = 0;
  for (int i = 0; i < 4; ++i) {
    const auto statuses = flood(node, 2, 20, held("s" + std::to_string(i)));
    for (const auto& [status, count] : statuses) {
      if (status == 202) taken += count;
      EXPECT_TRUE(status == 202 || status == 503) << status;
    }
  }
  EXPECT_LE(taken, 42);
  EXPECT_GE(taken, 38);
  node.release("go");
  EXPECT_TRUE(eventually([&] { return node.count("done") == static_cast<std::size_t>(taken); }));
  // The queue has room again.
  EXPECT_TRUE(eventually([&] { return node.task("s0", 1).status == 200; }));
}

TEST(Backpressure, KeepsItsMemoryFlatUnderAFloodOfLargeInputs) {
  live_node node{four_warm + "queue: { input_bytes: 8MiB }\n", {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  auto first = node.begin("one", {{"do", "hold"}, {"file", "go"}});
  ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
  const json large{{"specialist", "one"},
                   {"mode", "async"},
                   {"input", {{"weight", std::string(std::size_t{1} << 20, 'x')}}}};
  int taken = 0, refused = 0;
  for (int i = 0; i < 60; ++i) {
    const auto got = node.task(large);
    if (got.status == 202) {
      ++taken;
    } else {
      ++refused;
      EXPECT_EQ(got.status, 503) << got.body;
      EXPECT_EQ(got.type(), "urn:greenroom:queue-full");
      EXPECT_NE(got.detail().find("queue.input_bytes"), std::string::npos) << got.body;
      EXPECT_FALSE(got.header("Retry-After").empty());
    }
  }
  EXPECT_EQ(taken, 7);  // Each input is a little larger than 1 MB.
  EXPECT_EQ(refused, 53);
  EXPECT_LT(resident_kib(node.pid()), 120U * 1024);
  node.release("go");
  ASSERT_TRUE(eventually([&] { return node.count("done", "one") == 8; }));
  EXPECT_TRUE(eventually([&] { return node.task(large).status == 202; }));
}

TEST(Backpressure, ServesHighFirstAndLowAtLast) {
  live_node node{four_warm, {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  auto first = node.begin("one", {{"do", "hold"}, {"file", "go"}});
  ASSERT_TRUE(eventually([&] { return node.count("run", "one") == 1; }));
  std::vector<std::string> ids;
  const auto submit = [&](const std::string& priority, int count) {
    for (int i = 0; i < count; ++i) {
      const auto got = node.task({{"specialist", "one"},
                                  {"mode", "async"},
                                  {"priority", priority},
                                  {"input", {{"token", priority}}}});
      ASSERT_EQ(got.status, 202) << got.body;
    }
  };
  submit("low", 10);
  submit("normal", 10);
  submit("high", 20);
  node.release("go");
  ASSERT_TRUE(eventually([&] { return node.count("done", "one") == 41; }));
  std::map<std::string, double> places, counts;
  int place = 0, first_low = 0;
  for (const auto& line : node.log()) {
    if (line.size() < 4 || line[0] != "run" || line[3] == "-") continue;
    ++place;
    places[line[3]] += place;
    counts[line[3]] += 1;
    if (line[3] == "low" && first_low == 0) first_low = place;
  }
  EXPECT_LT(places["high"] / counts["high"], places["normal"] / counts["normal"]);
  EXPECT_LT(places["normal"] / counts["normal"], places["low"] / counts["low"]);
  EXPECT_LT(first_low,
            31);  // No priority starves: one low task ended before the last of the others.
  EXPECT_EQ(first.get().status, 200);
}

TEST(Backpressure, RefusesAtOnceWhatCannotEndInTime) {
  live_node node{four_warm, {{"slow"}, {"calm"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("slow", {{"do", "sleep"}, {"ms", 300}}).status,
            200);  // The duration is measured now.
  std::vector<std::future<answer>> waiting;
  auto running = node.begin("slow", {{"do", "hold"}, {"file", "go"}});
  ASSERT_TRUE(eventually([&] { return node.count("run", "slow") == 2; }));
  for (int i = 0; i < 5; ++i) {
    const auto got = node.task({{"specialist", "slow"}, {"mode", "async"}, {"input", i}});
    ASSERT_EQ(got.status, 202) << got.body;
  }
  const auto refused = node.task({{"specialist", "slow"}, {"input", 1}, {"timeout_ms", 500}});
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_GE(std::atoi(refused.header("Retry-After").c_str()), 1);
  EXPECT_EQ(node.count("run", "slow"), 2U);
  node.release("go");
  EXPECT_EQ(running.get().status, 200);
}

TEST(Backpressure, ComputesWhenToRetryFromWhatItMeasured) {
  live_node node{four_warm + "queue: { per_specialist: 2, total: 4096 }\n", {{"slow"}, {"fast"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  ASSERT_EQ(node.task("fast", 1).status, 200);
  ASSERT_EQ(node.task("slow", {{"do", "sleep"}, {"ms", 2600}}).status, 200);
  const auto later = [&](const std::string& who) {
    answer got;
    EXPECT_TRUE(eventually([&] {
      got = node.task(json::parse(held(who)));
      return got.status == 503;
    }));
    return std::atoi(got.header("Retry-After").c_str());
  };
  const auto slow = later("slow");
  EXPECT_GE(slow, 3);
  EXPECT_LT(later("fast"), slow);
  node.release("go");
}

TEST(Backpressure, GivesThePlaceBackOfWhoeverHangsUp) {
  live_node node{four_warm + "queue: { per_specialist: 4, total: 64 }\n", {{"one"}}};
  ASSERT_TRUE(node.start()) << node.errors();
  const auto depth = [&] {
    return node.get("/v1/specialists/one").body.value("queue_depth", -1)
           + node.get("/v1/specialists/one").body.value("running", -1);
  };
  // Many more tasks than fit, one after the other: each end frees a place in the queue.
  for (int i = 0; i < 6; ++i) {
    raw_client client{node.port()};
    client.send(post("/v1/tasks", R"({"specialist":"one","input":{"do":"hold","file":"never"}})"));
    ASSERT_TRUE(eventually([&] { return depth() > 0; }));
    client.reset();
    ASSERT_TRUE(eventually([&] { return depth() == 0; })) << depth();
  }
  EXPECT_EQ(node.task("one", 1).status, 200);
}

}  // namespace
}  // namespace greenroom::tests
