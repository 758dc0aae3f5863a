// The phases by themselves: holds, verdicts, and the way from one to the next.
#include "protocols/base/number.hpp"
#include "tests/unit/rollout/plan_rig.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/record.hpp"

using namespace greenroom::runtime::rollout;

TEST(RolloutPlan, GoesThroughEveryPhaseAndPercentageInOrder) {
  rig here;
  EXPECT_EQ(here.plan.routes(), mode::idle);
  EXPECT_FALSE(here.plan.baseline_must_be_warm());
  ASSERT_TRUE(here.plan.start("ada", here.now).done);
  std::vector<std::string> path;
  for (int i = 0; i < 100 && here.plan.stands() != standing::complete; ++i) {
    for (const auto& each : here.step()) {
      if (each.kind != decision_kind::entered && each.kind != decision_kind::completed) continue;
      path.push_back(std::string(name_of(each.where)) + " " + std::string(name_of(each.routes))
                     + " " + greenroom::base::exact_text(each.percentage));
      EXPECT_EQ(here.plan.baseline_must_be_warm(), each.kind != decision_kind::completed);
    }
  }
  EXPECT_EQ(path,
            (std::vector<std::string>{"SHADOW_MODE shadow 0", "PARTIAL_ROLLOUT hybrid 25",
                                      "PARTIAL_ROLLOUT hybrid 50", "PARTIAL_ROLLOUT hybrid 75",
                                      "PARTIAL_ROLLOUT hybrid 100", "FULL_DEPLOYMENT full 100",
                                      "OPTIMIZATION full 100", "COMPLETE full 100"}));
}

TEST(RolloutPlan, DoesNotLeavePreparationUntilEveryBaselineWorkerIsWarm) {
  rig here;
  here.plan.start("ada", here.now);
  const auto early = here.plan.advance("ada", true, here.now);
  EXPECT_EQ(early.refused, refusal::not_ready);
  EXPECT_EQ(early.text, "preparation has only just begun");
  here.seen.ready.baseline_warm = false;
  here.seen.ready.detail = "81 of 83 warm";
  const auto first = here.step();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].kind, decision_kind::held);
  EXPECT_NE(first[0].reason.find("81 of 83 warm"), std::string::npos);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(here.step().empty()) << "the same reason is told once";
  EXPECT_EQ(here.plan.at(), phase::preparation);
  EXPECT_EQ(here.plan.routes(), mode::idle) << "preparing changes nothing for callers";
  EXPECT_EQ(here.plan.advance("ada", true, here.now).refused, refusal::not_ready);
  EXPECT_EQ(here.plan.route("ada", 50, here.now).refused, refusal::not_ready);
  here.seen.ready.baseline_warm = true;
  here.step();
  EXPECT_EQ(here.plan.at(), phase::shadow_mode);
}

TEST(RolloutPlan, HoldsAStageExactlyAsLongAsItIsTold) {
  rig here;
  here.plan.start("ada", here.now);
  here.step();
  ASSERT_EQ(here.plan.at(), phase::shadow_mode);
  for (int i = 0; i < 3; ++i) here.step();
  EXPECT_EQ(here.plan.at(), phase::shadow_mode);
  EXPECT_DOUBLE_EQ(here.plan.held_s(), 45);
  here.step();  // 60 s
  EXPECT_EQ(here.plan.at(), phase::partial_rollout);
  EXPECT_DOUBLE_EQ(here.plan.held_s(), 0);
}

TEST(RolloutPlan, DoesNotAdvanceWhenTrafficStops) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25));
  for (int i = 0; i < 3; ++i) here.step();  // 150 tasks: enough of them, but the hold is not over.
  here.canary_per_tick = here.control_per_tick = 0;
  here.now += 400;
  for (int i = 0; i < 2000; ++i) here.step();
  EXPECT_EQ(here.plan.at(), phase::partial_rollout);
  EXPECT_EQ(here.plan.percentage(), 25);
  EXPECT_EQ(here.plan.last_judgement()->outcome, verdict::insufficient_data);
  EXPECT_EQ(here.last().kind, decision_kind::held);
  EXPECT_EQ(here.plan.advance("ada", false, here.now).refused, refusal::not_passed);
  here.canary_per_tick = here.control_per_tick = 50;
  EXPECT_TRUE(here.until(phase::partial_rollout, 50)) << "and goes on when it returns";
}

TEST(RolloutPlan, HoldsWithTooFewSamplesHoweverLongItTakes) {
  rig here;
  here.plan.start("ada", here.now);
  here.step();
  here.canary_per_tick = 0;
  for (int i = 0; i < 1000; ++i) here.step();
  EXPECT_EQ(here.plan.at(), phase::shadow_mode);
  EXPECT_GT(here.plan.held_s(), here.plan.hold_wanted_s());
}

TEST(RolloutPlan, ComesBackAtTheFirstCertainFailureAndSaysWhy) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 50));
  here.canary_fails = true;
  const auto made = here.step();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].kind, decision_kind::failed);
  EXPECT_TRUE(made[0].roll_back);
  EXPECT_EQ(made[0].outcome, "FAIL");
  EXPECT_NE(made[0].evidence.find("error_rate"), std::string::npos);
  EXPECT_EQ(here.plan.routes(), mode::fallback);
  EXPECT_EQ(here.plan.percentage(), 0);
  EXPECT_TRUE(here.plan.baseline_must_be_warm());
  EXPECT_EQ(here.plan.advance("ada", true, here.now).refused, refusal::rolled_back);
  EXPECT_EQ(here.plan.route("ada", 10, here.now).refused, refusal::rolled_back);
  EXPECT_TRUE(here.step().empty());
}

TEST(RolloutPlan, DoesNotCondemnAPoolThatBeginsColdBeforeItsShadowIsOver) {
  rig here;
  here.plan.start("ada", here.now);
  here.step();
  ASSERT_EQ(here.plan.at(), phase::shadow_mode);
  here.canary_ms = 400;  // Every task waits for a start.
  for (int i = 0; i < 3; ++i) here.step();
  EXPECT_EQ(here.plan.stands(), standing::running);
  EXPECT_EQ(here.plan.last_judgement()->outcome, verdict::hold);
  // It is still as slow when the hold is over.
  for (int i = 0; i < 3; ++i) here.step();
  EXPECT_EQ(here.plan.stands(), standing::rolled_back);
}

TEST(RolloutPlan, IsNotStuckWhenItFailsWhileItWaitsForAConfirmation) {
  auto settings = quick();
  settings.confirm.raise_percentage = true;
  rig here{settings};
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25));
  for (int i = 0; i < 10; ++i) here.step();
  ASSERT_EQ(here.plan.stands(), standing::awaiting_confirmation);
  here.canary_ms = 500;
  for (int i = 0; i < 20 && here.plan.stands() != standing::rolled_back; ++i) here.step();
  EXPECT_EQ(here.plan.stands(), standing::rolled_back);
  EXPECT_EQ(here.last().kind, decision_kind::failed);
}

TEST(RolloutPlan, IsNotStuckWhenItFailsWhileItIsPaused) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25));
  here.plan.pause("ada", here.now);
  here.canary_fails = true;
  here.step();
  EXPECT_EQ(here.plan.stands(), standing::rolled_back);
}

TEST(RolloutPlan, DoesNotLetHoursOfGoodTrafficHideABadMinute) {
  auto settings = quick();
  settings.confirm.raise_percentage = true;
  rig here{settings};
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25));
  for (int i = 0; i < 4000; ++i) here.step();
  ASSERT_EQ(here.plan.stands(), standing::awaiting_confirmation);
  EXPECT_LE(here.plan.canary().tasks, 2 * 60 / 15 * 50u + 50) << "the last one to two holds";
  here.canary_ms = 100;  // Five times the baseline.
  int steps = 0;
  for (; steps < 100 && here.plan.stands() != standing::rolled_back; ++steps) {
    here.step();
  }
  EXPECT_LT(steps, 12) << "within three minutes";
}

TEST(RolloutPlan, KeepsItsEvidenceWhileTrafficIsTooSlowToReplaceIt) {
  rig here;
  here.canary_per_tick = here.control_per_tick = 1;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25, 150)) << "a hundred tasks in 25 minutes";
}

TEST(RolloutPlan, WithdrawsItsOfferWhenTrafficStopsAndOffersAgain) {
  auto settings = quick();
  settings.confirm.leave_shadow = true;
  rig here{settings};
  here.plan.start("ada", here.now);
  for (int i = 0; i < 6; ++i) here.step();
  ASSERT_EQ(here.plan.stands(), standing::awaiting_confirmation);
  here.canary_per_tick = 0;
  here.now += 400;
  here.step();
  EXPECT_EQ(here.plan.stands(), standing::running);
  EXPECT_EQ(here.plan.advance("ada", false, here.now).refused, refusal::not_passed);
  here.canary_per_tick = 50;
  here.step();
  EXPECT_EQ(here.plan.stands(), standing::awaiting_confirmation);
  ASSERT_TRUE(here.plan.advance("ada", false, here.now).done);
  EXPECT_EQ(here.plan.at(), phase::partial_rollout);
}

TEST(RolloutPlan, JudgesFullTrafficByTheBaselineOfTheStageBefore) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 100));
  here.control_per_tick = 0;
  ASSERT_TRUE(here.until(phase::full_deployment, 100));
  here.canary_ms = 200;
  for (int i = 0; i < 3; ++i) here.step();
  EXPECT_EQ(here.plan.stands(), standing::rolled_back) << "ten times the baseline it remembers";
}

TEST(RolloutPlan, RemembersTheBaselineOfAStageThatWasCutShort) {
  rig here;
  here.plan.start("ada", here.now);
  for (int i = 0; i < 4; ++i) here.step();
  ASSERT_TRUE(here.plan.advance("ada", false, here.now).done);
  ASSERT_EQ(here.plan.percentage(), 25);
  here.control_per_tick = 0;
  here.canary_ms = 200;
  here.step();
  EXPECT_EQ(here.plan.stands(), standing::rolled_back);
}

TEST(RolloutPlan, FailsAStageThatNeverPassesWithinItsLimit) {
  auto settings = quick();
  settings.hold_limit_s = 300;
  rig here{settings};
  here.plan.start("ada", here.now);
  here.step();
  here.seen.memory_efficiency = 0.5;
  for (int i = 0; i < 19; ++i) here.step();
  EXPECT_EQ(here.plan.stands(), standing::running);
  here.step();  // 300 s
  EXPECT_EQ(here.plan.stands(), standing::rolled_back);
  EXPECT_NE(here.last().reason.find("memory_efficiency"), std::string::npos);
}

TEST(RolloutPlan, WaitsInOptimizationForTheTuner) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::optimization, 100));
  here.seen.tuning = true;
  for (int i = 0; i < 7; ++i) here.step();
  EXPECT_EQ(here.plan.at(), phase::optimization);
  EXPECT_GT(here.plan.held_s(), here.plan.hold_wanted_s());
  here.seen.tuning = false;
  here.step();
  EXPECT_EQ(here.plan.at(), phase::complete);
}

TEST(RolloutPlan, WaitsForATunerThatIsNeverThroughNoLongerThanTwoHolds) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::optimization, 100));
  here.seen.tuning = true;
  for (int i = 0; i < 7; ++i) here.step();
  EXPECT_EQ(here.plan.at(), phase::optimization);
  here.step();
  EXPECT_EQ(here.plan.at(), phase::complete);
}
