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
void go(const two_pools& play, double percentage) {
  ASSERT_TRUE(eventually([&] { return play.route(percentage).status == 200; }))
      << play.rollout().dump(1);
}

/// Sends half of the traffic to the intelligent pool, which works.
void go_half(two_pools& play) {
  go(play, 50);
  ASSERT_TRUE(eventually([&] {
    const auto now = play.rollout();
    return now["evidence"]["intelligent"]["tasks"] >= 10
           && now["evidence"]["baseline"]["tasks"] >= 10;
  })) << play.rollout().dump(1);
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
  two_pools play{"", stays, "error_rate: 0.1"};
  ASSERT_TRUE(play.node.start()) << play.node.errors();
  play.begin_traffic();
  go_half(play);
  // One of five specialists fails, with a third of the traffic.
  play.turn("bad-s1");
  ASSERT_TRUE(eventually([&] { return ended(play.rollback_state()); }, 60s))
      << play.rollout().dump(1);
  const auto seen = play.rollback();
  expect_verified(seen);
  EXPECT_NE(seen["trigger"], "by_hand");
  // The analysis names the metric and the specialist.
  ASSERT_TRUE(seen["analysis"].is_object());
  const auto& findings = seen["analysis"]["findings"];
  ASSERT_FALSE(findings.empty()) << seen["analysis"].dump(1);
  EXPECT_EQ(findings[0]["metric"], "error_rate") << seen["analysis"].dump(1);
  EXPECT_EQ(findings[0]["subject"], "s1") << seen["analysis"].dump(1);
  EXPECT_EQ(findings[0]["text"].get<std::string>().find('{'), std::string::npos);
  EXPECT_EQ(play.mode(), "fallback");
  EXPECT_EQ(play.rollout()["standing"], "rolled_back");
  // The pool still fails, and no caller is affected any more.
  play.forget();
  ASSERT_TRUE(eventually([&] { return play.statuses()[200] > 50; }));
  play.end_traffic();
  EXPECT_EQ(play.statuses().size(), 1u);
  EXPECT_EQ(play.node.task("s0", 1).body["served_by"], "baseline");
  // No task is lost according to the ledger.
  const auto report = play.node.get("/v1/report?format=json").body;
  EXPECT_EQ(report["ledger"]["lost"], 0) << report["ledger"];
  EXPECT_EQ(play.node.errors().find("ASSERT"), std::string::npos);

  // After a restart the mode and the analysis are the same.
  play.node.kill();
  ASSERT_TRUE(play.node.start()) << play.node.errors();
  EXPECT_EQ(play.mode(), "fallback");
  EXPECT_EQ(play.rollback()["analysis"], seen["analysis"]);
  EXPECT_EQ(play.rollback()["state"], "done");
  EXPECT_EQ(play.node.task("s0", 1).body["served_by"], "baseline");
  // A new rollout starts in shadow mode.
  play.turn("bad-s1", false);
  ASSERT_EQ(play.steer("start").status, 200);
  EXPECT_TRUE(eventually([&] { return play.mode() == "shadow"; })) << play.rollout().dump(1);
}

TEST(LiveRollback, MovesWhatWaitsAndRunsAgainWhatHangs) {
  two_pools play{"", stays, "drain: 500ms"};
  ASSERT_TRUE(play.node.start()) << play.node.errors();
  go(play, 100);
  // One task hangs in the intelligent pool, and other tasks wait behind it.
  auto hangs = play.node.begin({{"specialist", "s0"}, {"input", {{"hold", "never"}}}});
  ASSERT_TRUE(eventually([&] { return play.node.get("/v1/specialists/s0").body["running"] == 1; }));
  std::vector<std::future<answer>> behind;
  for (int i = 0; i < 5; ++i)
    behind.push_back(play.node.begin({{"specialist", "s0"}, {"input", i}}));
  ASSERT_TRUE(eventually([&] {
    return play.node.get("/v1/specialists/s0").body["queue_depth"].get<int>() >= 5;
  })) << play.node.get("/v1/specialists/s0").body;
  // Another hanging task is unsafe to run twice.
  auto once = play.node.begin({{"specialist", "s4"}, {"input", {{"hold", "never"}}}});
  ASSERT_TRUE(eventually([&] { return play.node.get("/v1/specialists/s4").body["running"] == 1; }));
  ASSERT_EQ(play.roll_back({{"reason", "it hangs"}}).status, 202);
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
  ASSERT_TRUE(eventually([&] { return ended(play.rollback_state()); }, 60s));
  const auto seen = play.rollback();
  EXPECT_GE(seen["requeued"], 5) << seen.dump(1);
  EXPECT_EQ(seen["fenced"], 2) << seen.dump(1);
  EXPECT_TRUE(seen["within_budget"].get<bool>());
  EXPECT_EQ(seen["verification"]["no_task_lost"]["state"], "passed") << seen.dump(1);
}

TEST(LiveRollback, GoesDownStepByStepWhenItIsPlanned) {
  two_pools play{"", stays, "lower_hold: 200ms"};
  ASSERT_TRUE(play.node.start()) << play.node.errors();
  play.begin_traffic();
  go(play, 100);
  const auto asked =
      play.roll_back({{"reason", "the trial ends"}, {"mode", "planned"}, {"confirm", false}});
  ASSERT_EQ(asked.status, 202) << asked.body;
  EXPECT_EQ(asked.body["state"], "awaiting_confirmation");
  EXPECT_EQ(play.mode(), "hybrid") << "nothing changes before the word";
  EXPECT_EQ(play.roll_back({{"reason", "another"}, {"mode", "planned"}}).status, 409);
  ASSERT_EQ(play.roll_back({{"confirm", true}}).status, 200);
  ASSERT_TRUE(eventually([&] { return ended(play.rollback_state()); }, 60s));
  play.end_traffic();
  const auto seen = play.rollback();
  expect_verified(seen);
  std::vector<std::string> notes;
  for (const auto& step : seen["steps"])
    if (step["state"] == "lowering") notes.push_back(step["note"]);
  ASSERT_EQ(notes.size(), 2u) << seen["steps"].dump(1);
  EXPECT_NE(notes[0].find("50"), std::string::npos);
  EXPECT_NE(notes[1].find("25"), std::string::npos);
  EXPECT_EQ(play.statuses().size(), 1u) << "something but 200 was answered";
}

TEST(LiveRollback, LeavesEverythingAsItWasWhenItIsCalledOff) {
  two_pools play{"", stays, "lower_hold: 60s"};
  ASSERT_TRUE(play.node.start()) << play.node.errors();
  play.begin_traffic(1);
  go_half(play);
  ASSERT_EQ(play.roll_back({{"reason", "maybe"}, {"mode", "planned"}}).status, 202);
  ASSERT_TRUE(eventually([&] { return play.rollout()["percentage"] == 25; }));
  EXPECT_EQ(play.rollback_state(), "lowering");
  // A crash during the rollback does not lower the share a second time.
  play.node.kill();
  ASSERT_TRUE(play.node.start()) << play.node.errors();
  EXPECT_EQ(play.rollback_state(), "lowering");
  EXPECT_EQ(play.rollout()["percentage"], 25);
  ASSERT_EQ(play.roll_back({{"cancel", true}}).status, 200);
  EXPECT_EQ(play.rollback_state(), "cancelled");
  EXPECT_TRUE(eventually([&] { return play.rollout()["percentage"] == 50; }))
      << play.rollout().dump(1);
  EXPECT_EQ(play.mode(), "hybrid");
  EXPECT_FALSE(play.rollout()["rolling_back"]);
  EXPECT_EQ(play.roll_back({{"cancel", true}}).status, 409);
}

TEST(LiveRollback, TurnsAPlannedOneIntoAnEmergencyOnRequestOrWhenWorse) {
  two_pools play{"", stays, "lower_hold: 60s"};
  ASSERT_TRUE(play.node.start()) << play.node.errors();
  play.begin_traffic();
  go_half(play);
  ASSERT_EQ(play.roll_back({{"reason", "slowly"}, {"mode", "planned"}}).status, 202);
  ASSERT_TRUE(eventually([&] { return play.rollback_state() == "lowering"; }));
  play.turn("bad");
  ASSERT_TRUE(eventually([&] { return ended(play.rollback_state()); }, 60s))
      << play.rollback().dump(1);
  EXPECT_EQ(play.rollback()["mode"], "emergency");
  EXPECT_EQ(play.rollback()["id"], "1") << "it is still the same one";
  expect_verified(play.rollback());
}

TEST(LiveRollback, IsOneRollbackHoweverManyAskForIt) {
  two_pools play{"", stays};
  ASSERT_TRUE(play.node.start()) << play.node.errors();
  play.begin_traffic();
  go_half(play);
  std::vector<std::future<int>> asked;
  for (int i = 0; i < 8; ++i)
    asked.push_back(std::async(std::launch::async, [&play, i] {
      return i % 2 == 0 ? play.roll_back({{"reason", "me too"}}).status
                        : play.steer("abort", {{"reason", "me too"}}).status;
    }));
  for (auto& one : asked) {
    const auto status = one.get();
    EXPECT_TRUE(status == 200 || status == 202 || status == 409) << status;
  }
  ASSERT_TRUE(eventually(
      [&] {
        const auto all = play.node.get("/v1/rollbacks").body["items"];
        return !all.empty()
               && std::ranges::all_of(all, [](const json& one) { return ended(one["state"]); });
      },
      60s))
      << play.rollback().dump(1);
  EXPECT_EQ(play.node.get("/v1/rollbacks").body["items"].size(), 1u);
  expect_verified(play.rollback());
  EXPECT_EQ(play.rollout()["standing"], "rolled_back");
  // A share needs a new start of the rollout.
  EXPECT_EQ(play.route(10).status, 409);
  EXPECT_EQ(play.steer("advance", {{"force", true}}).status, 409);
  play.end_traffic();
  EXPECT_EQ(play.statuses().size(), 1u) << "something but 200 was answered";
}

TEST(LiveRollback, RunsTheChecklistAgainAndSeesWhoDoesNotAnswer) {
  two_pools play{"", stays};
  ASSERT_TRUE(play.node.start()) << play.node.errors();
  EXPECT_EQ(play.node.ask("POST", "/v1/rollback/verify").status, 409);
  ASSERT_EQ(play.roll_back({{"reason", "a rehearsal"}}).status, 202);
  ASSERT_TRUE(eventually([&] { return ended(play.rollback_state()); }, 60s));
  expect_verified(play.rollback());
  const auto took = play.rollback()["duration_ms"];
  const auto before = play.node.get("/v1/specialists/s0").body["tasks"].get<int>();
  ASSERT_EQ(play.node.ask("POST", "/v1/rollback/verify").status, 202);
  ASSERT_TRUE(eventually([&] { return play.rollback_state() == "done"; }, 60s))
      << play.rollback().dump(1);
  expect_verified(play.rollback());
  EXPECT_EQ(play.rollback()["duration_ms"], took) << "it does not count as the rollback's time";
  EXPECT_GT(play.node.get("/v1/specialists/s0").body["tasks"].get<int>(), before)
      << "`analyze` is a task of s0";
}

/// Restarts the node after its death at each step, until `over`. Durable tasks must end.
void live_through(two_pools& play, const std::function<bool()>& over,
                  std::vector<std::string>& durable) {
  constexpr int deaths_max = 100;
  for (int deaths = 0; deaths < deaths_max; ++deaths) {
    auto id = play.ask_durably({{"specialist", "s0"}, {"input", deaths}});
    if (!id.empty()) durable.push_back(std::move(id));
    ASSERT_TRUE(eventually([&] { return play.node.gone() || over(); }, 120s))
        << play.rollback().dump(1) << play.rollout().dump(1);
    // After the rollback's end the rollout writes a record, at which the node may die, too.
    if (!play.node.gone() && !eventually([&] { return play.node.gone(); }, 1s)) return;
    const auto last = play.steps().back();
    if (!play.lives_again()) continue;
    if (!last.starts_with("rollback ")) continue;
    const auto now = play.rollback();
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
    two_pools play{"", stays, "drain: 300ms, planned_drain: 300ms, lower_hold: 200ms"};
    ASSERT_TRUE(play.node.start()) << play.node.errors();
    play.begin_traffic(2);
    go_half(play);
    // From now on the node dies at every step. A hanging task makes the rollback fence, too.
    play.node.kill();
    play.die_at_every_step();
    std::vector<std::string> durable;
    const auto over = [&] {
      const auto state = play.rollback_state();
      if (state.empty() && !play.node.gone() && play.mode() == "hybrid") {
        auto id = play.ask_durably(
            {{"specialist", "s1"}, {"input", {{"hold", "never"}}}, {"case", "c1"}});
        if (!id.empty()) durable.push_back(std::move(id));
        static_cast<void>(play.roll_back({{"reason", "the test says so"}, {"mode", mode}}));
      }
      // The operator's command had no answer, so the operator confirms.
      if (state == "awaiting_confirmation") static_cast<void>(play.roll_back({{"confirm", true}}));
      return ended(state);
    };
    static_cast<void>(play.lives_again());
    live_through(play, over, durable);
    if (testing::Test::HasFatalFailure()) return;
    const auto seen = play.rollback();
    EXPECT_EQ(seen["state"], "done") << seen.dump(1);
    EXPECT_EQ(play.node.get("/v1/rollbacks").body["items"].size(), 1u);
    EXPECT_EQ(play.mode(), "fallback");
    EXPECT_EQ(play.rollout()["standing"], "rolled_back");
    play.end_traffic();
    const auto steps = play.steps();
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
      const auto state = play.node.ended(id, 60s).state();
      EXPECT_EQ(state, "completed") << id;
    }
  }
}

}  // namespace
}  // namespace greenroom::tests
