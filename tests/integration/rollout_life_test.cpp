// A rollout of a live node, from the baseline to COMPLETE, and through the death of the node at
// each of its steps.
#include "tests/integration/support/two_pools.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string> all_stages{
    "SHADOW_MODE",         "PARTIAL_ROLLOUT 25", "PARTIAL_ROLLOUT 50", "PARTIAL_ROLLOUT 75",
    "PARTIAL_ROLLOUT 100", "FULL_DEPLOYMENT",    "OPTIMIZATION",       "COMPLETE"};

/// A command's answer without the fields that differ between two answers to the same request.
json said_by(const two_pools& pools, const std::string& command) {
  const auto got = pools.node.task(
      json{{"command", command}, {"input", {{"text", "a checkout page"}}}, {"case", "mine"}});
  return {{"status", got.status},
          {"state", got.state()},
          {"output", got.body["output"]},
          {"department", got.body["department"]}};
}

TEST(LiveRollout, GoesThroughEveryStageToComplete) {
  two_pools pools;
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  pools.begin_traffic();
  ASSERT_EQ(pools.steer("start").status, 200);
  ASSERT_TRUE(eventually([&] { return pools.phase() == "COMPLETE"; }, 120s))
      << pools.rollout().dump(1);
  pools.end_traffic();
  EXPECT_EQ(pools.stages(), all_stages);
  const auto now = pools.rollout();
  EXPECT_EQ(now["mode"], "full");
  EXPECT_EQ(now["standing"], "complete");
  EXPECT_EQ(now["shadow"]["differing"], 0);
  EXPECT_GE(now["shadow"]["compared"], 10);
  EXPECT_EQ(pools.node.task("s0", 1).body["served_by"], "intelligent");
  // After COMPLETE the baseline may cool.
  EXPECT_FALSE(now["baseline"]["kept_warm"]);
  EXPECT_TRUE(eventually([&] { return pools.rollout()["baseline"]["warm"] < 5; }))
      << pools.rollout()["baseline"];
  const auto statuses = pools.statuses();
  EXPECT_EQ(statuses.size(), 1u) << "something but 200 was answered";
  EXPECT_TRUE(statuses.contains(200));
}

TEST(LiveRollout, AnswersCommandsAlikeInEveryMode) {
  // Every step waits for a confirmation, so the phase stays while commands are sent.
  two_pools pools{"",
                  "confirm: { leave_shadow: true, raise_percentage: true, go_full: true, "
                  "complete: true }"};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  std::map<std::string, json> before;
  const std::vector<std::string> words{"implement", "bumba:implement", "/bumba:implement",
                                       "analyze", "bumba:analyze"};
  for (const auto& word : words) {
    before[word] = said_by(pools, word);
    EXPECT_EQ(before[word]["status"], 200) << word << before[word];
  }
  const auto expect_alike = [&](const std::string& mode) {
    ASSERT_TRUE(eventually([&] { return pools.mode() == mode; }, 60s)) << pools.rollout().dump(1);
    for (const auto& word : words) EXPECT_EQ(said_by(pools, word), before[word]) << mode << word;
  };
  pools.begin_traffic(1);
  ASSERT_EQ(pools.steer("start").status, 200);
  expect_alike("shadow");
  // In hybrid mode either pool answers the command.
  ASSERT_EQ(pools.route(50).status, 200);
  expect_alike("hybrid");
  // At 100 % the intelligent pool is compared with earlier figures of the baseline.
  ASSERT_TRUE(eventually([&] { return pools.rollout()["evidence"]["baseline"]["tasks"] >= 10; }));
  ASSERT_EQ(pools.route(0).status, 200);
  expect_alike("hybrid");
  ASSERT_EQ(pools.route(100).status, 200);
  expect_alike("hybrid");
  // An operator confirms the next step.
  ASSERT_TRUE(eventually([&] { return pools.steer("advance").status == 200; }, 60s))
      << pools.rollout().dump(1);
  expect_alike("full");
  ASSERT_EQ(pools.roll_back({{"reason", "the test says so"}}).status, 202);
  expect_alike("fallback");
  pools.end_traffic();
  EXPECT_EQ(pools.statuses().size(), 1u) << "something but 200 was answered";
}

TEST(LiveRollout, WaitsForAWordWhereTheConfigurationSaysSo) {
  two_pools pools{"", "confirm: { leave_shadow: true }"};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  pools.begin_traffic();
  ASSERT_EQ(pools.steer("start").status, 200);
  ASSERT_TRUE(
      eventually([&] { return pools.rollout()["standing"] == "awaiting_confirmation"; }, 60s))
      << pools.rollout().dump(1);
  EXPECT_EQ(pools.phase(), "SHADOW_MODE");
  ASSERT_EQ(pools.steer("pause").status, 200);
  EXPECT_EQ(pools.rollout()["standing"], "paused");
  EXPECT_EQ(pools.steer("pause").status, 409);
  // The hold time starts again; the share stays.
  ASSERT_EQ(pools.steer("resume").status, 200);
  ASSERT_TRUE(eventually([&] { return pools.steer("advance").status == 200; }, 60s));
  EXPECT_TRUE(eventually([&] { return pools.phase() == "COMPLETE"; }, 120s))
      << pools.rollout().dump(1);
}

TEST(LiveRollout, HoldsWithoutTrafficAndNeverGuesses) {
  two_pools pools;
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  ASSERT_EQ(pools.steer("start").status, 200);
  ASSERT_TRUE(eventually([&] {
    const auto now = pools.rollout();
    return now["phase"] == "SHADOW_MODE" && now["held_s"] > 1 && now["judgement"].is_object();
  }));
  const auto now = pools.rollout();
  EXPECT_EQ(now["phase"], "SHADOW_MODE");
  EXPECT_EQ(now["judgement"]["verdict"], "INSUFFICIENT_DATA");
  // Without evidence only `force` advances the rollout.
  EXPECT_EQ(pools.steer("advance").status, 409);
  EXPECT_EQ(pools.steer("advance", {{"force", true}}).status, 200);
  EXPECT_EQ(pools.phase(), "PARTIAL_ROLLOUT");
}

TEST(LiveRollout, WarmsTheBaselineBeforeItSendsAnybodyAwayFromIt) {
  two_pools pools{"", "", ""};
  // The node starts with the intelligent pool only.
  auto yaml = std::string{};
  pools.node.set_environment("GREENROOM_POOL_MODE", "intelligent");
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  const auto refused = pools.route(25);
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_NE(refused.detail().find("of 5 baseline workers are warm"), std::string::npos)
      << refused.detail();
  EXPECT_EQ(pools.mode(), "idle");
  ASSERT_TRUE(eventually([&] { return pools.route(25).status == 200; })) << pools.rollout().dump(1);
  EXPECT_EQ(pools.rollout()["baseline"]["warm"], 5);
  EXPECT_EQ(pools.mode(), "hybrid");
}

TEST(LiveRollout, TakesANewConfigurationWhileItRuns) {
  two_pools pools{"", "confirm: { leave_shadow: true }"};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  pools.begin_traffic();
  ASSERT_EQ(pools.steer("start").status, 200);
  ASSERT_TRUE(
      eventually([&] { return pools.rollout()["standing"] == "awaiting_confirmation"; }, 60s));
  const auto before = pools.rollout();
  pools.configure("", "confirm: { leave_shadow: false, raise_percentage: true }", "");
  pools.node.signal(SIGHUP);
  // The reload removes the confirmation that the rollout waits for and adds one for the next step.
  ASSERT_TRUE(eventually(
      [&] {
        const auto now = pools.rollout();
        return now["percentage"] == 25 && now["standing"] == "awaiting_confirmation";
      },
      60s))
      << pools.rollout().dump(1);
  EXPECT_EQ(pools.rollout()["run"], before["run"]);
}

// The node dies after each record that the rollout writes.
TEST(LiveRollout, GoesOnExactlyWhereItWasKilledAtEveryRecordedStep) {
  two_pools pools;
  pools.die_at_every_step();
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  pools.begin_traffic(2);
  static_cast<void>(pools.steer("start"));
  std::vector<std::string> durable;
  std::size_t deaths = 0;
  constexpr std::size_t deaths_max = 200;
  const auto complete = [&] { return pools.phase() == "COMPLETE"; };
  while (deaths < deaths_max) {
    auto id = pools.ask_durably({{"specialist", "s1"}, {"input", deaths}});
    if (!id.empty()) durable.push_back(std::move(id));
    ASSERT_TRUE(eventually([&] { return pools.node.gone() || complete(); }, 120s))
        << pools.steps().back() << pools.rollout().dump(1);
    // The last record before COMPLETE belongs to the last step.
    if (!pools.node.gone() && eventually([&] { return pools.node.gone(); }, 1s) == false) break;
    ++deaths;
    const auto last = pools.steps().back();
    if (!pools.lives_again()) continue;
    // The phase and the share are those of the last record.
    const auto now = pools.rollout();
    if (!now.contains("phase")) continue;  // The node died at the next step.
    std::vector<std::string> seen;
    for (const auto& one : now["decisions"])
      seen.push_back("rollout " + one["phase"].get<std::string>() + " "
                     + std::to_string(static_cast<int>(one["percentage"].get<double>())));
    const auto where = last.substr(0, last.find(' ', last.find(' ', last.find(' ') + 1) + 1));
    EXPECT_NE(std::ranges::find(seen, where), seen.end()) << last << "\n" << now.dump(1);
  }
  pools.end_traffic();
  ASSERT_TRUE(complete()) << pools.rollout().dump(1);
  EXPECT_EQ(pools.stages(), all_stages) << "no stage twice, none left out";
  EXPECT_EQ(pools.rollout()["run"], 1);
  EXPECT_EQ(pools.rollout()["mode"], "full");
  // The node was killed at the entry of each stage.
  const auto steps = pools.steps();
  for (const std::string stage :
       {"PREPARATION 0 running started", "SHADOW_MODE 0 running entered",
        "PARTIAL_ROLLOUT 25 running entered", "PARTIAL_ROLLOUT 50 running entered",
        "PARTIAL_ROLLOUT 75 running entered", "PARTIAL_ROLLOUT 100 running entered",
        "FULL_DEPLOYMENT 100 running entered", "OPTIMIZATION 100 running entered",
        "COMPLETE 100 complete completed"})
    EXPECT_NE(std::ranges::find(steps, "rollout " + stage), steps.end()) << stage;
  for (const auto& id : durable) EXPECT_EQ(pools.node.ended(id, 60s).state(), "completed") << id;
}

}  // namespace
}  // namespace greenroom::tests
