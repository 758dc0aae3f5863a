// `greenroom tune` on a node with recorded traffic: a replay of each proposal gives the proposed
// figures, and a node with the proposed settings needs less memory for the same waits.
#include "runtime/machine/trace/trace_file.hpp"
#include "runtime/pooling/predictive_policy.hpp"
#include "runtime/simulation/warm_policy_run.hpp"
#include "tests/integration/folder_fixture.hpp"
#include "tests/integration/support/live_node.hpp"
#include "tests/machine/http/raw_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace greenroom::tests {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t busy = 3, seldom = 8;
constexpr std::size_t calls = 240;

// Three specialists get tasks in turn all the time, the eight others one task each: twelve slots
// hold all specialists, and most of them stay warm without a task.
std::string name_of(std::size_t who) {
  return (who < busy ? "busy-" : "seldom-") + std::to_string(who);
}
std::string traffic_of_all() {
  std::string text = "timestamp_s,specialist\n";
  std::size_t next = busy;
  for (std::size_t i = 0; i < calls; ++i) {
    const bool other = i >= 40 && i % 20 == 0 && next < busy + seldom;
    char time[32];
    std::snprintf(time, sizeof time, "%.3f,", 0.02 * static_cast<double>(i));
    text += time + name_of(other ? next++ : i % busy) + '\n';
  }
  return text;
}

class Tune : public folder_fixture {
protected:
  void SetUp() override {
    write_file(folder() / "echo.py",
               "import json, sys\n"
               "print(json.dumps({'type': 'ready'}), flush=True)\n"
               "for line in sys.stdin:\n"
               "    m = json.loads(line)\n"
               "    if m['type'] == 'task':\n"
               "        print(json.dumps({'type': 'result', 'id': m['id'], 'output': 1}),"
               " flush=True)\n");
    const auto worker = tests::live_node::python() + ", -S, " + (folder() / "echo.py").string();
    std::string cast =
        "version: 1\n"
        "pool: { max_warm: 12, cooldown: 10m, min_residency: 0s, adaptive: false }\n"
        "departments:\n"
        "  - name: ALL\n"
        "    specialists:\n";
    for (std::size_t who = 0; who < busy + seldom; ++who) {
      cast += "      - { name: " + name_of(who) + ", backend: { command: [" + worker + "] } }\n";
    }
    write_file(folder() / "cast.yaml", cast);
    write_file(folder() / "trace.csv", traffic_of_all());
  }

  static std::string get_body(const served_node& node, const std::string& what) {
    const auto colon = node.address().rfind(':');
    tests::raw_client client{
        static_cast<std::uint16_t>(std::atoi(node.address().c_str() + colon + 1))};
    client.send("GET " + what + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    return std::string{tests::body_of(client.answer())};
  }

  /// Replays the traffic.
  void drive(const served_node& node) const {
    const auto driven = node.ask({"replay", path("trace.csv"), "--json"});
    ASSERT_EQ(driven.code, 0) << driven.err;
    ASSERT_EQ(json::parse(driven.out)["completed"], calls) << driven.out;
  }

  static double cold_starts(const served_node& node) {
    double sum = 0;
    const auto all = json::parse(get_body(node, "/v1/specialists"));
    for (const auto& one : all["items"]) sum += one.value("cold_starts", 0.0);
    return sum;
  }

  /// The simulator's figures for these settings on a node's recording.
  [[nodiscard]] runtime::simulation_result simulated(const std::string& recorded,
                                                     const json& answer,
                                                     const json& settings) const {
    write_file(folder() / "recorded.csv", recorded);
    auto traffic = std::get<runtime::trace>(machine::read_trace(path("recorded.csv")));
    runtime::warm_policy_run how;
    how.epoch_s = traffic.requests.front().time_s;
    for (auto& one : traffic.requests) one.time_s -= how.epoch_s;
    how.limits.max_warm = settings["max_warm"];
    how.limits.cooldown_s = settings["cooldown_s"];
    how.limits.target_memory = settings["target_memory"];  // Every specialist had tasks.
    how.limits.min_residency_s = 0;
    how.limits.adaptive = false;
    const runtime::workload work{&traffic, answer["load_s"], answer["span_s"]};
    runtime::predictive_policy policy;
    return runtime::run_warm_policy(work, policy, how);
  }

  /// The figures of the current settings and of every proposal are those of the simulator.
  void expect_simulated(const std::string& recorded, const json& answer) const {
    std::vector<json> reported{answer["now"]};
    reported.insert(reported.end(), answer["proposals"].begin(), answer["proposals"].end());
    for (const auto& one : reported) {
      const auto again = simulated(recorded, answer, one);
      EXPECT_DOUBLE_EQ(again.cold_ratio, one["cold_ratio"]) << one;
      EXPECT_NEAR(again.memory_ratio, one["memory_ratio"], 1e-9) << one;
      EXPECT_NEAR(again.wait_s, one["wait_s"], 1e-9) << one;
      EXPECT_EQ(again.loads, one["loads"]) << one;
    }
  }
};

TEST_F(Tune, SaysThatTooFewTasksWereRecordedAndProposesNothing) {
  served_node node{{"--config", path("cast.yaml")}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  for (const bool as_json : {false, true}) {
    const auto asked = as_json ? node.ask({"tune", "--json"}) : node.ask({"tune"});
    EXPECT_EQ(asked.code, 1);
    EXPECT_EQ(asked.out, "");
    EXPECT_THAT(asked.err, HasSubstr("only 0 tasks were recorded so far; tune needs 200"));
  }
  EXPECT_EQ(node.ask({"submit", "busy-0", "{}"}).code, 0);
  ASSERT_TRUE(tests::eventually([&] {
    return node.ask({"tune"}).err.find("only 1 tasks were recorded") != std::string::npos;
  }));
}

TEST_F(Tune, SaysWhatMoreMemoryWouldBuy) {
  served_node node{{"--config", path("cast.yaml"), "--set", "pool.max_warm=2"}};
  ASSERT_FALSE(node.address().empty()) << node.err();
  ASSERT_NO_FATAL_FAILURE(drive(node));
  ran asked;
  ASSERT_TRUE(tests::eventually([&] {
    asked = node.ask({"tune", "--json"});
    return asked.code == 0;
  })) << asked.err;
  const auto answer = json::parse(asked.out);
  const auto found = std::ranges::find_if(answer["proposals"], [](const json& one) {
    return one["aim"] == "less waiting for more memory";
  });
  ASSERT_NE(found, answer["proposals"].end()) << asked.out;
  EXPECT_GT((*found)["max_warm"], 2);
  EXPECT_LE((*found)["wait_s"].get<double>(), 0.85 * answer["now"]["wait_s"].get<double>());
  EXPECT_LE((*found)["memory_ratio"].get<double>(),
            1.5 * answer["now"]["memory_ratio"].get<double>());
  EXPECT_THAT(node.ask({"tune"}).out, HasSubstr("for more memory"));
}

TEST_F(Tune, ProposesWhatTheSimulatorAndAnotherNodeConfirm) {
  json proposal;
  double cold_before = 0;
  {
    served_node node{{"--config", path("cast.yaml")}};
    ASSERT_FALSE(node.address().empty()) << node.err();
    ASSERT_NO_FATAL_FAILURE(drive(node));
    cold_before = cold_starts(node);

    // Departments record arrivals a little later, and skip some under load. So the test repeats the
    // requests until no arrival was recorded between them.
    ran asked, text;
    std::string recorded;
    ASSERT_TRUE(tests::eventually([&] {
      recorded = get_body(node, "/v1/recording");
      asked = node.ask({"tune", "--json"});
      text = node.ask({"tune"});
      return asked.code == 0 && get_body(node, "/v1/recording") == recorded;
    })) << asked.err;
    const auto answer = json::parse(asked.out);
    EXPECT_EQ(answer["requests"], std::ranges::count(recorded, '\n') - 1);
    EXPECT_LE(answer["requests"].get<std::size_t>(), calls);
    EXPECT_EQ(answer["specialists"], busy + seldom);
    EXPECT_EQ(answer["now"]["max_warm"], 12);
    EXPECT_EQ(answer["now"]["cooldown_s"], 600);

    const auto& all = answer["proposals"];
    const auto found =
        std::ranges::find_if(all, [](const json& one) { return one["aim"] == "less memory"; });
    ASSERT_NE(found, all.end()) << asked.out;
    proposal = *found;
    const auto& now = answer["now"];
    EXPECT_LE(proposal["wait_s"], now["wait_s"]);
    EXPECT_LE(proposal["memory_ratio"].get<double>(), 0.75 * now["memory_ratio"].get<double>());

    expect_simulated(recorded, answer);
    EXPECT_EQ(text.code, 0) << text.err;
    EXPECT_THAT(text.out, HasSubstr(std::to_string(answer["requests"].get<std::size_t>())
                                    + " tasks of the last"));
    EXPECT_THAT(text.out, HasSubstr("max_warm 12, cooldown 600.0s"));
    EXPECT_THAT(text.out, HasSubstr("less memory"));
    EXPECT_THAT(text.out, Not(HasSubstr("none of")));
  }

  // The same traffic on real workers with the proposed settings: fewer workers, no longer waits.
  served_node other{
      {"--config", path("cast.yaml"), "--set",
       "pool.max_warm=" + std::to_string(proposal["max_warm"].get<int>()), "--set",
       "pool.cooldown=" + std::to_string(std::lround(proposal["cooldown_s"].get<double>() * 1000))
           + "ms",
       "--set", "pool.target_memory=" + std::to_string(proposal["target_memory"].get<double>())}};
  ASSERT_FALSE(other.address().empty()) << other.err();
  ASSERT_NO_FATAL_FAILURE(drive(other));
  // A busy machine delays some tasks until their worker is evicted, but not most tasks.
  EXPECT_LE(cold_starts(other), cold_before + 8);
  const auto up = json::parse(get_body(other, "/v1/specialists?state=warm"));
  EXPECT_LT(up["items"].size(), busy + seldom);
}

}  // namespace
}  // namespace greenroom::tests
