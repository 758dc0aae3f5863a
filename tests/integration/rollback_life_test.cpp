// Rollbacks of a live node: automatic, by an operator, planned, cancelled, and with the node killed
// at every step.
#include "tests/integration/support/two_pools.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

/// Keeps the share that a test has set: each further step needs a confirmation.
constexpr const char* stays = "confirm: { raise_percentage: true, go_full: true }";

bool ended(const std::string& state) {
  return state == "done" || state == "unverified" || state == "cancelled";
}

/// Sets the share as soon as the baseline is warm.
void go(const two_pools& pools, double percentage) {
  ASSERT_TRUE(eventually([&] { return pools.route(percentage).status == 200; }))
      << pools.rollout().dump(1);
}

/// Sends half of the traffic to the intelligent pool, which works.
void go_half(two_pools& pools) {
  go(pools, 50);
  ASSERT_TRUE(eventually([&] {
    const auto now = pools.rollout();
    return now["evidence"]["intelligent"]["tasks"] >= 10
           && now["evidence"]["baseline"]["tasks"] >= 10;
  })) << pools.rollout().dump(1);
}

void expect_verified(const json& one) {
  EXPECT_EQ(one["state"], "done") << one.dump(1);
  EXPECT_TRUE(one["within_budget"].get<bool>()) << one.dump(1);
  EXPECT_LT(one["duration_ms"].get<double>(), 30'000);
  EXPECT_EQ(one["verification"].size(), 6u);
  for (const auto& [name, check] : one["verification"].items())
    EXPECT_EQ(check["state"], "passed") << name << check;
  // The probes of the commands were run.
  EXPECT_NE(one["verification"]["commands_answer"]["detail"].get<std::string>().find(
                "2 commands were run and answered"),
            std::string::npos)
      << one["verification"]["commands_answer"];
}

TEST(LiveRollback, ComesByItselfLosesNothingAndSaysWhy) {
  two_pools pools{"", stays, "error_rate: 0.1"};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  pools.begin_traffic();
  go_half(pools);
  // One of five specialists fails, with a third of the traffic.
  pools.turn("bad-s1");
  ASSERT_TRUE(eventually([&] { return ended(pools.rollback_state()); }, 60s))
      << pools.rollout().dump(1);
  const auto seen = pools.rollback();
  expect_verified(seen);
  EXPECT_NE(seen["trigger"], "by_hand");
  // The analysis names the metric and the specialist.
  ASSERT_TRUE(seen["analysis"].is_object());
  const auto& findings = seen["analysis"]["findings"];
  ASSERT_FALSE(findings.empty()) << seen["analysis"].dump(1);
  EXPECT_EQ(findings[0]["metric"], "error_rate") << seen["analysis"].dump(1);
  EXPECT_EQ(findings[0]["subject"], "s1") << seen["analysis"].dump(1);
  EXPECT_EQ(findings[0]["text"].get<std::string>().find('{'), std::string::npos);
  EXPECT_EQ(pools.mode(), "fallback");
  EXPECT_EQ(pools.rollout()["standing"], "rolled_back");
  // The pool still fails, and no caller is affected any more.
  pools.forget();
  ASSERT_TRUE(eventually([&] { return pools.statuses()[200] > 50; }));
  pools.end_traffic();
  EXPECT_EQ(pools.statuses().size(), 1u);
  EXPECT_EQ(pools.node.task("s0", 1).body["served_by"], "baseline");
  // No task is lost according to the ledger.
  const auto report = pools.node.get("/v1/report?format=json").body;
  EXPECT_EQ(report["ledger"]["lost"], 0) << report["ledger"];
  EXPECT_EQ(pools.node.errors().find("ASSERT"), std::string::npos);

  // After a restart the mode and the analysis are the same.
  pools.node.kill();
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  EXPECT_EQ(pools.mode(), "fallback");
  EXPECT_EQ(pools.rollback()["analysis"], seen["analysis"]);
  EXPECT_EQ(pools.rollback()["state"], "done");
  EXPECT_EQ(pools.node.task("s0", 1).body["served_by"], "baseline");
  // A new rollout starts in shadow mode.
  pools.turn("bad-s1", false);
  ASSERT_EQ(pools.steer("start").status, 200);
  EXPECT_TRUE(eventually([&] { return pools.mode() == "shadow"; })) << pools.rollout().dump(1);
}

TEST(LiveRollback, MovesWhatWaitsAndRunsAgainWhatHangs) {
  two_pools pools{"", stays, "drain: 500ms"};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  go(pools, 100);
  // One task hangs in the intelligent pool, and other tasks wait behind it.
  auto hangs = pools.node.begin({{"specialist", "s0"}, {"input", {{"hold", "never"}}}});
  ASSERT_TRUE(
      eventually([&] { return pools.node.get("/v1/specialists/s0").body["running"] == 1; }));
  std::vector<std::future<answer>> behind;
  for (int i = 0; i < 5; ++i)
    behind.push_back(pools.node.begin({{"specialist", "s0"}, {"input", i}}));
  ASSERT_TRUE(eventually([&] {
    return pools.node.get("/v1/specialists/s0").body["queue_depth"].get<int>() >= 5;
  })) << pools.node.get("/v1/specialists/s0").body;
  // Another hanging task is unsafe to run twice.
  auto once = pools.node.begin({{"specialist", "s4"}, {"input", {{"hold", "never"}}}});
  ASSERT_TRUE(
      eventually([&] { return pools.node.get("/v1/specialists/s4").body["running"] == 1; }));
  ASSERT_EQ(pools.roll_back({{"reason", "it hangs"}}).status, 202);
  for (auto& one : behind) {
    const auto got = one.get();
    EXPECT_EQ(got.state(), "completed") << got.body;
    EXPECT_EQ(got.body["served_by"], "baseline");
  }
  const auto moved = hangs.get();
  EXPECT_EQ(moved.state(), "completed") << moved.body;
  EXPECT_EQ(moved.body["served_by"], "baseline");
  const auto unsure = once.get();
  EXPECT_EQ(unsure.type(), "urn:greenroom:unknown-end") << unsure.body;
  ASSERT_TRUE(eventually([&] { return ended(pools.rollback_state()); }, 60s));
  const auto seen = pools.rollback();
  EXPECT_GE(seen["requeued"], 5) << seen.dump(1);
  EXPECT_EQ(seen["fenced"], 2) << seen.dump(1);
  EXPECT_TRUE(seen["within_budget"].get<bool>());
  EXPECT_EQ(seen["verification"]["no_task_lost"]["state"], "passed") << seen.dump(1);
}

TEST(LiveRollback, GoesDownStepByStepWhenItIsPlanned) {
  two_pools pools{"", stays, "lower_hold: 200ms"};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  pools.begin_traffic();
  go(pools, 100);
  const auto asked =
      pools.roll_back({{"reason", "the trial ends"}, {"mode", "planned"}, {"confirm", false}});
  ASSERT_EQ(asked.status, 202) << asked.body;
  EXPECT_EQ(asked.body["state"], "awaiting_confirmation");
  EXPECT_EQ(pools.mode(), "hybrid") << "nothing changes before the word";
  EXPECT_EQ(pools.roll_back({{"reason", "another"}, {"mode", "planned"}}).status, 409);
  ASSERT_EQ(pools.roll_back({{"confirm", true}}).status, 200);
  ASSERT_TRUE(eventually([&] { return ended(pools.rollback_state()); }, 60s));
  pools.end_traffic();
  const auto seen = pools.rollback();
  expect_verified(seen);
  std::vector<std::string> notes;
  for (const auto& step : seen["steps"])
    if (step["state"] == "lowering") notes.push_back(step["note"]);
  ASSERT_EQ(notes.size(), 2u) << seen["steps"].dump(1);
  EXPECT_NE(notes[0].find("50"), std::string::npos);
  EXPECT_NE(notes[1].find("25"), std::string::npos);
  EXPECT_EQ(pools.statuses().size(), 1u) << "something but 200 was answered";
}

TEST(LiveRollback, LeavesEverythingAsItWasWhenItIsCalledOff) {
  two_pools pools{"", stays, "lower_hold: 60s"};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  pools.begin_traffic(1);
  go_half(pools);
  ASSERT_EQ(pools.roll_back({{"reason", "maybe"}, {"mode", "planned"}}).status, 202);
  ASSERT_TRUE(eventually([&] { return pools.rollout()["percentage"] == 25; }));
  EXPECT_EQ(pools.rollback_state(), "lowering");
  // A crash during the rollback does not lower the share a second time.
  pools.node.kill();
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  EXPECT_EQ(pools.rollback_state(), "lowering");
  EXPECT_EQ(pools.rollout()["percentage"], 25);
  ASSERT_EQ(pools.roll_back({{"cancel", true}}).status, 200);
  EXPECT_EQ(pools.rollback_state(), "cancelled");
  EXPECT_TRUE(eventually([&] { return pools.rollout()["percentage"] == 50; }))
      << pools.rollout().dump(1);
  EXPECT_EQ(pools.mode(), "hybrid");
  EXPECT_FALSE(pools.rollout()["rolling_back"]);
  EXPECT_EQ(pools.roll_back({{"cancel", true}}).status, 409);
}

TEST(LiveRollback, TurnsAPlannedOneIntoAnEmergencyOnRequestOrWhenWorse) {
  two_pools pools{"", stays, "lower_hold: 60s"};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  pools.begin_traffic();
  go_half(pools);
  ASSERT_EQ(pools.roll_back({{"reason", "slowly"}, {"mode", "planned"}}).status, 202);
  ASSERT_TRUE(eventually([&] { return pools.rollback_state() == "lowering"; }));
  pools.turn("bad");
  ASSERT_TRUE(eventually([&] { return ended(pools.rollback_state()); }, 60s))
      << pools.rollback().dump(1);
  EXPECT_EQ(pools.rollback()["mode"], "emergency");
  EXPECT_EQ(pools.rollback()["id"], "1") << "it is still the same one";
  expect_verified(pools.rollback());
}

TEST(LiveRollback, IsOneRollbackHoweverManyAskForIt) {
  two_pools pools{"", stays};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  pools.begin_traffic();
  go_half(pools);
  std::vector<std::future<int>> asked;
  for (int i = 0; i < 8; ++i)
    asked.push_back(std::async(std::launch::async, [&pools, i] {
      return i % 2 == 0 ? pools.roll_back({{"reason", "me too"}}).status
                        : pools.steer("abort", {{"reason", "me too"}}).status;
    }));
  for (auto& one : asked) {
    const auto status = one.get();
    EXPECT_TRUE(status == 200 || status == 202 || status == 409) << status;
  }
  ASSERT_TRUE(eventually(
      [&] {
        const auto all = pools.node.get("/v1/rollbacks").body["items"];
        return !all.empty()
               && std::ranges::all_of(all, [](const json& one) { return ended(one["state"]); });
      },
      60s))
      << pools.rollback().dump(1);
  EXPECT_EQ(pools.node.get("/v1/rollbacks").body["items"].size(), 1u);
  expect_verified(pools.rollback());
  EXPECT_EQ(pools.rollout()["standing"], "rolled_back");
  // A share needs a new start of the rollout.
  EXPECT_EQ(pools.route(10).status, 409);
  EXPECT_EQ(pools.steer("advance", {{"force", true}}).status, 409);
  pools.end_traffic();
  EXPECT_EQ(pools.statuses().size(), 1u) << "something but 200 was answered";
}

TEST(LiveRollback, RunsTheChecklistAgainAndSeesWhoDoesNotAnswer) {
  two_pools pools{"", stays};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  EXPECT_EQ(pools.node.ask("POST", "/v1/rollback/verify").status, 409);
  ASSERT_EQ(pools.roll_back({{"reason", "a rehearsal"}}).status, 202);
  ASSERT_TRUE(eventually([&] { return ended(pools.rollback_state()); }, 60s));
  expect_verified(pools.rollback());
  const auto took = pools.rollback()["duration_ms"];
  const auto before = pools.node.get("/v1/specialists/s0").body["tasks"].get<int>();
  ASSERT_EQ(pools.node.ask("POST", "/v1/rollback/verify").status, 202);
  ASSERT_TRUE(eventually([&] { return pools.rollback_state() == "done"; }, 60s))
      << pools.rollback().dump(1);
  expect_verified(pools.rollback());
  EXPECT_EQ(pools.rollback()["duration_ms"], took) << "it does not count as the rollback's time";
  EXPECT_GT(pools.node.get("/v1/specialists/s0").body["tasks"].get<int>(), before)
      << "`analyze` is a task of s0";
}

/// Restarts the node after its death at each step, until `over`. Durable tasks must end.
void live_through(two_pools& pools, const std::function<bool()>& over,
                  std::vector<std::string>& durable) {
  constexpr int deaths_max = 100;
  for (int deaths = 0; deaths < deaths_max; ++deaths) {
    auto id = pools.ask_durably({{"specialist", "s0"}, {"input", deaths}});
    if (!id.empty()) durable.push_back(std::move(id));
    ASSERT_TRUE(eventually([&] { return pools.node.gone() || over(); }, 120s))
        << pools.rollback().dump(1) << pools.rollout().dump(1);
    // After the rollback's end the rollout writes a record, at which the node may die, too.
    if (!pools.node.gone() && !eventually([&] { return pools.node.gone(); }, 1s)) return;
    const auto last = pools.steps().back();
    if (!pools.lives_again()) continue;
    if (!last.starts_with("rollback ")) continue;
    const auto now = pools.rollback();
    if (!now.contains("steps")) continue;  // The node died at the next step.
    std::vector<std::string> seen;
    for (const auto& step : now["steps"]) seen.push_back(step["state"]);
    const auto state = last.substr(0, last.rfind(' ')).substr(last.find(' ', 9) + 1);
    EXPECT_NE(std::ranges::find(seen, state), seen.end()) << last << "\n" << now.dump(1);
    EXPECT_EQ(now["id"], "1");
  }
  FAIL() << "it never ended";
}

TEST(LiveRollback, GoesOnExactlyWhereItWasKilledAtEveryRecordedStep) {
  for (const std::string mode : {"emergency", "planned"}) {
    SCOPED_TRACE(mode);
    two_pools pools{"", stays, "drain: 300ms, planned_drain: 300ms, lower_hold: 200ms"};
    ASSERT_TRUE(pools.node.start()) << pools.node.errors();
    pools.begin_traffic(2);
    go_half(pools);
    // From now on the node dies at every step. A hanging task makes the rollback fence, too.
    pools.node.kill();
    pools.die_at_every_step();
    std::vector<std::string> durable;
    const auto over = [&] {
      const auto state = pools.rollback_state();
      if (state.empty() && !pools.node.gone() && pools.mode() == "hybrid") {
        auto id = pools.ask_durably(
            {{"specialist", "s1"}, {"input", {{"hold", "never"}}}, {"case", "c1"}});
        if (!id.empty()) durable.push_back(std::move(id));
        static_cast<void>(pools.roll_back({{"reason", "the test says so"}, {"mode", mode}}));
      }
      // The operator's command had no answer, so the operator confirms.
      if (state == "awaiting_confirmation") static_cast<void>(pools.roll_back({{"confirm", true}}));
      return ended(state);
    };
    static_cast<void>(pools.lives_again());
    live_through(pools, over, durable);
    if (testing::Test::HasFatalFailure()) return;
    const auto seen = pools.rollback();
    EXPECT_EQ(seen["state"], "done") << seen.dump(1);
    EXPECT_EQ(pools.node.get("/v1/rollbacks").body["items"].size(), 1u);
    EXPECT_EQ(pools.mode(), "fallback");
    EXPECT_EQ(pools.rollout()["standing"], "rolled_back");
    pools.end_traffic();
    const auto steps = pools.steps();
    const auto died_in = [&](const std::string& state) {
      return std::ranges::any_of(steps, [&](const std::string& step) {
        return step.starts_with("rollback " + mode + " " + state + " ");
      });
    };
    std::vector<std::string> wanted{"switching", "requeueing", "draining", "verifying", "done"};
    if (mode == "planned") wanted.insert(wanted.end(), {"awaiting_confirmation", "lowering"});
    for (const auto& state : wanted) {
      std::string all;
      for (const auto& step : steps) all += step + "\n";
      EXPECT_TRUE(died_in(state)) << state << " of\n" << all;
    }
    for (const auto& id : durable) {
      const auto state = pools.node.ended(id, 60s).state();
      EXPECT_EQ(state, "completed") << id;
    }
  }
}

}  // namespace
}  // namespace greenroom::tests
