// What operators say to a rollout.
#include "protocols/base/number.hpp"
#include "tests/unit/rollout/plan_rig.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "runtime/record.hpp"

using namespace greenroom::runtime::rollout;

TEST(RolloutPlan, AsksForConfirmationExactlyWhereItIsTold) {
  auto settings = quick();
  settings.confirm = {true, true, true, true};
  rig here{settings};
  here.plan.start("ada", here.now);
  std::vector<std::string> asked;
  for (int i = 0; i < 300 && here.plan.stands() != standing::complete; ++i) {
    for (const auto& each : here.step()) {
      if (each.kind != decision_kind::offered) continue;
      asked.push_back(std::string(name_of(each.where))
                      + greenroom::base::exact_text(each.percentage));
      EXPECT_TRUE(here.plan.advance("ada", false, here.now).done);
    }
  }
  EXPECT_EQ(asked, (std::vector<std::string>{"SHADOW_MODE0", "PARTIAL_ROLLOUT25",
                                             "PARTIAL_ROLLOUT50", "PARTIAL_ROLLOUT75",
                                             "PARTIAL_ROLLOUT100", "OPTIMIZATION100"}));
}

TEST(RolloutPlan, StopsItsHoldWhilePausedAndGoesOnWhereItWas) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25));
  here.step();
  here.step();
  ASSERT_TRUE(here.plan.pause("ada", here.now).done);
  EXPECT_TRUE(here.plan.pause("ada", here.now).refused);
  for (int i = 0; i < 100; ++i) here.step();
  EXPECT_EQ(here.plan.percentage(), 25);
  EXPECT_EQ(here.plan.routes(), mode::hybrid);
  EXPECT_DOUBLE_EQ(here.plan.held_s(), 30);
  here.now += 10000;
  ASSERT_TRUE(here.plan.resume("ada", here.now).done);
  EXPECT_TRUE(here.plan.resume("ada", here.now).refused);
  here.step();
  EXPECT_DOUBLE_EQ(here.plan.held_s(), 45);
  here.step();
  EXPECT_EQ(here.plan.percentage(), 50);
}

TEST(RolloutPlan, LetsAnOperatorSkipTheHoldButOnlyForceMissingData) {
  rig here;
  here.plan.start("ada", here.now);
  here.step();
  EXPECT_EQ(here.plan.advance("ada", false, here.now).refused, refusal::not_passed);
  here.step();
  here.step();
  ASSERT_EQ(here.plan.last_judgement()->outcome, verdict::pass);
  ASSERT_TRUE(here.plan.advance("ada", false, here.now).done);
  EXPECT_EQ(here.plan.percentage(), 25);
  const auto forced = here.plan.advance("ada", true, here.now);
  ASSERT_TRUE(forced.done);
  EXPECT_EQ(forced.done->reason, "forced on by ada");
  EXPECT_EQ(here.plan.percentage(), 50);
}

TEST(RolloutPlan, GoesBackWhenAnOperatorAborts) {
  rig here;
  EXPECT_EQ(here.plan.abort("ada", "", here.now).refused, refusal::not_running);
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 75));
  const auto answered = here.plan.abort("ada", "it smells", here.now);
  ASSERT_TRUE(answered.done);
  EXPECT_TRUE(answered.done->roll_back);
  EXPECT_EQ(answered.done->reason, "aborted by ada: it smells");
  EXPECT_EQ(here.plan.routes(), mode::fallback);
}

TEST(RolloutPlan, StartsAgainFromShadowAfterARollback) {
  rig here;
  here.plan.start("ada", here.now);
  EXPECT_EQ(here.plan.start("ada", here.now).refused, refusal::already_running);
  ASSERT_TRUE(here.until(phase::partial_rollout, 50));
  ASSERT_TRUE(here.plan.fall_back("error rate", here.now));
  EXPECT_FALSE(here.plan.fall_back("again", here.now)) << "once is enough";
  ASSERT_TRUE(here.plan.start("ada", here.now).done);
  EXPECT_EQ(here.plan.run(), 2u);
  EXPECT_EQ(here.plan.routes(), mode::fallback) << "the baseline answers until shadow begins";
  here.step();
  EXPECT_EQ(here.plan.at(), phase::shadow_mode);
  EXPECT_EQ(here.plan.routes(), mode::shadow);
  EXPECT_EQ(here.plan.canary().tasks, 0u) << "with nothing of the last run's evidence";
}

TEST(RolloutPlan, FallsBackByHandEvenWithoutARollout) {
  rig here;
  const auto made = here.plan.fall_back("by hand", here.now);
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->roll_back);
  EXPECT_EQ(here.plan.routes(), mode::fallback);
}

TEST(RolloutPlan, RoutesByHandWithinBoundsAndJudgesFromThere) {
  rig here;
  EXPECT_EQ(here.plan.route("ada", -1, here.now).refused, refusal::bad_percentage);
  EXPECT_EQ(here.plan.route("ada", 100.5, here.now).refused, refusal::bad_percentage);
  EXPECT_EQ(here.plan.route("ada", std::nan(""), here.now).refused, refusal::bad_percentage);
  ASSERT_TRUE(here.plan.route("ada", 30, here.now).done);
  EXPECT_EQ(here.plan.routes(), mode::hybrid);
  EXPECT_EQ(here.plan.percentage(), 30);
  EXPECT_EQ(here.last().kind, decision_kind::routed);
  ASSERT_TRUE(here.until(phase::partial_rollout, 50)) << "the next step above 30";
  ASSERT_TRUE(here.until(phase::full_deployment, 100));
  ASSERT_TRUE(here.plan.route("ada", 10, here.now).done);
  EXPECT_EQ(here.plan.at(), phase::partial_rollout);
  EXPECT_EQ(here.plan.percentage(), 10);
}

TEST(RolloutPlan, AsksForCopiesWhenTheBaselineIsLeftWithoutTasks) {
  rig here;
  EXPECT_EQ(here.plan.control_missing(), 0u);
  ASSERT_TRUE(here.plan.route("ada", 100, here.now).done);
  EXPECT_EQ(here.plan.control_missing(), 100u) << "as many as are wanted of the canary";
  here.control_per_tick = 0;
  for (int i = 0; i < 40; ++i) here.step();
  EXPECT_EQ(here.plan.at(), phase::partial_rollout);
  ASSERT_TRUE(here.plan.last_judgement());
  EXPECT_EQ(here.plan.last_judgement()->outcome, verdict::insufficient_data)
      << "nothing is guessed while there really is nothing";
  here.control_per_tick = 10;
  here.step();
  EXPECT_EQ(here.plan.control_missing(), 90u);
  here.step();
  here.control_per_tick = 0;
  ASSERT_TRUE(here.until(phase::full_deployment, 100)) << here.plan.last_judgement()->summary();
  EXPECT_EQ(here.plan.control_missing(), 0u) << "what was copied stands in for the next stage";
  ASSERT_TRUE(here.until(phase::complete, 100));
}

TEST(RolloutPlan, FailsByTheCopiesWhatWouldOtherwiseHoldForEver) {
  rig here;
  ASSERT_TRUE(here.plan.route("ada", 100, here.now).done);
  here.canary_ms = 200;
  here.control_per_tick = 0;
  for (int i = 0; i < 10; ++i) here.step();
  EXPECT_EQ(here.plan.stands(), standing::running);
  here.control_per_tick = 30;
  for (int i = 0; i < 3; ++i) here.step();
  EXPECT_EQ(here.plan.stands(), standing::rolled_back);
}

TEST(RolloutPlan, AsksForNoCopiesWhereTheBaselineHasTrafficOrHad) {
  rig here;
  here.plan.start("ada", here.now);
  for (int i = 0; i < 100 && here.plan.stands() != standing::complete; ++i) {
    EXPECT_EQ(here.plan.control_missing(), 0u) << name_of(here.plan.at());
    if (here.plan.percentage() == 100) here.control_per_tick = 0;
    here.step();
  }
  EXPECT_EQ(here.plan.stands(), standing::complete);
  EXPECT_EQ(here.plan.control_missing(), 0u);
}

TEST(RolloutPlan, AsksForCopiesWhenTheBaselinesShareIsTooSmallToBeWaitedFor) {
  rig here;
  ASSERT_TRUE(here.plan.route("ada", 99.5, here.now).done);
  here.control_per_tick = 0;
  here.step();
  EXPECT_EQ(here.plan.control_missing(), 0u) << "it may still come by itself";
  here.step();
  EXPECT_EQ(here.plan.control_missing(), 100u);
  here.control_per_tick = 20;
  here.step();
  EXPECT_EQ(here.plan.control_missing(), 0u);
  here.plan.abort("ada", "", here.now);
  EXPECT_EQ(here.plan.control_missing(), 0u);
}

namespace {

rollout_settings of_intelligent_node() {
  auto settings = quick();
  settings.intelligent_node = true;
  return settings;
}

}  // namespace

TEST(RolloutPlan, ReturnsFromATrialToTheIntelligentPoolThatServedBefore) {
  rig here{of_intelligent_node()};
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25));
  EXPECT_NE(here.plan.way_back().find("rollout abort"), std::string::npos);
  // What it returns to survives the death of the node.
  auto back = rollout_plan::decode(here.plan.encode(), of_intelligent_node());
  ASSERT_TRUE(back) << back.error().text;
  here.plan = std::move(*back);
  here.plan.restored(here.now);
  const auto said = here.plan.abort("ada", "enough", here.now);
  ASSERT_TRUE(said.done);
  EXPECT_FALSE(said.done->roll_back);
  EXPECT_EQ(here.plan.stands(), standing::idle);
  EXPECT_EQ(here.plan.routes(), mode::idle);
  EXPECT_TRUE(here.plan.start("ada", here.now).done);
}

TEST(RolloutPlan, LeadsBackAfterARollbackOfAnIntelligentNode) {
  rig here{of_intelligent_node()};
  ASSERT_TRUE(here.plan.fall_back("errors", here.now));
  EXPECT_EQ(here.plan.routes(), mode::fallback);
  for (const char* word : {"rollout start", "routing 100", "rollout reset"})
    EXPECT_NE(here.plan.way_back().find(word), std::string::npos) << word;
  auto by_routing = here.plan;
  ASSERT_TRUE(by_routing.route("ada", 100, here.now).done);
  EXPECT_EQ(by_routing.routes(), mode::hybrid);
  EXPECT_EQ(by_routing.percentage(), 100);
  // A trial that began where it had been rolled back ends there too.
  EXPECT_TRUE(by_routing.abort("ada", "", here.now).done->roll_back);
  ASSERT_TRUE(here.plan.reset("ada", here.now).done);
  EXPECT_EQ(here.plan.routes(), mode::idle);
  EXPECT_EQ(here.plan.stands(), standing::idle);
  EXPECT_TRUE(here.plan.way_back().empty());
  EXPECT_EQ(here.plan.reset("ada", here.now).refused, refusal::not_running);
}

TEST(RolloutPlan, OnlySaysThatItFailsWhereNothingIsRolledBackByItself) {
  for (const auto how : {automation::off, automation::ask}) {
    auto settings = quick();
    settings.automatic = how;
    rig here{settings};
    here.plan.start("ada", here.now);
    ASSERT_TRUE(here.until(phase::partial_rollout, 25));
    here.canary_fails = true;
    int asked = 0;
    for (int i = 0; i < 20; ++i) {
      for (const auto& each : here.step()) asked += each.ask ? 1 : 0;
    }
    EXPECT_EQ(here.plan.stands(), standing::running);
    EXPECT_EQ(here.plan.percentage(), 25);
    EXPECT_EQ(here.last().kind, decision_kind::held);
    EXPECT_EQ(asked, how == automation::ask ? 1 : 0);
  }
}

TEST(RolloutPlan, GoesBackWhenOutputsBeginToDifferPastShadow) {
  rig here;
  here.seen.commands_compared = 40;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25));
  here.step();
  EXPECT_EQ(here.plan.comparisons_missing(), 50u) << "of this stage nothing was compared yet";
  here.seen.commands_compared += 10;
  here.seen.commands_differing += 10;
  here.step();
  EXPECT_EQ(here.plan.stands(), standing::rolled_back);
  EXPECT_EQ(here.last().kind, decision_kind::failed);
  EXPECT_NE(here.last().reason.find("10 of 10 outputs"), std::string::npos) << here.last().reason;
}
