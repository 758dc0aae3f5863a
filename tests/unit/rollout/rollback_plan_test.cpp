#include "runtime/rollout/rollback_plan.hpp"

#include "tests/unit/rollout/plan_rig.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

using namespace greenroom::runtime::rollout;

namespace {

rollback_plan emergency() {
  return rollback_plan::begin(7, rollback_kind::emergency, trigger::error_rate, "error_rate 20 %",
                              50, t0);
}

constexpr check checks[] = {check::commands_answer,     check::errors_at_baseline,
                            check::latency_at_baseline, check::specialists_reachable,
                            check::no_task_lost,        check::monitoring_up};

void pass_all(rollback_plan& plan, double now) {
  for (const auto each : checks) plan.checked(each, true, "ok", now);
}

}  // namespace

TEST(RollbackPlan, SwitchesRequeuesDrainsAndVerifiesInThatOrder) {
  auto plan = emergency();
  EXPECT_EQ(plan.next().what, order::switch_to_baseline);
  EXPECT_TRUE(plan.carried_out(order::switch_to_baseline, 0, t0 + 0.1));
  EXPECT_EQ(plan.next().what, order::requeue);
  EXPECT_TRUE(plan.carried_out(order::requeue, 12, t0 + 0.5));
  EXPECT_EQ(plan.next().what, order::drain);
  EXPECT_TRUE(plan.carried_out(order::drain, 3, t0 + 4));
  EXPECT_EQ(plan.next().what, order::verify);
  EXPECT_FALSE(plan.duration_s());
  for (std::size_t i = 0; i < check_count; ++i) {
    EXPECT_EQ(plan.state(), rollback_state::verifying);
    EXPECT_TRUE(plan.checked(checks[i], true, "ok", t0 + 5));
  }
  EXPECT_EQ(plan.state(), rollback_state::done);
  EXPECT_TRUE(plan.finished());
  EXPECT_EQ(plan.next().what, order::none);
  EXPECT_EQ(plan.requeued(), 12u);
  EXPECT_EQ(plan.drained(), 3u);
  EXPECT_NEAR(plan.switched_after_s().value(), 0.1, 1e-6);
  EXPECT_NEAR(plan.duration_s().value(), 5, 1e-6);
  EXPECT_TRUE(plan.within_budget());
}

TEST(RollbackPlan, IgnoresAnAnswerToAnOrderThatIsNotInForce) {
  auto plan = emergency();
  EXPECT_FALSE(plan.carried_out(order::requeue, 5, t0));
  EXPECT_FALSE(plan.carried_out(order::drain, 5, t0));
  plan.carried_out(order::switch_to_baseline, 0, t0);
  EXPECT_FALSE(plan.carried_out(order::switch_to_baseline, 0, t0 + 1)) << "late";
  EXPECT_FALSE(plan.checked(check::no_task_lost, true, "", t0));
  EXPECT_EQ(plan.requeued(), 0u);
}

TEST(RollbackPlan, FencesWhatStillRunsExactlyWhenTheTimeToDrainIsOver) {
  auto plan = emergency();
  plan.carried_out(order::switch_to_baseline, 0, t0 + 1);
  plan.carried_out(order::requeue, 0, t0 + 2);
  EXPECT_FALSE(plan.tick(t0 + 17.99));
  EXPECT_TRUE(plan.tick(t0 + 18));
  EXPECT_EQ(plan.next().what, order::fence);
  EXPECT_FALSE(plan.tick(t0 + 1000)) << "fencing is not left out, however late";
  EXPECT_TRUE(plan.carried_out(order::fence, 2, t0 + 19));
  EXPECT_EQ(plan.fenced(), 2u);
  EXPECT_EQ(plan.next().what, order::verify);
}

TEST(RollbackPlan, EndsUnverifiedWhenTheBudgetIsSpentAndNamesMissingChecks) {
  auto plan = emergency();
  plan.carried_out(order::switch_to_baseline, 0, t0);
  plan.carried_out(order::requeue, 0, t0);
  plan.carried_out(order::drain, 0, t0);
  for (const auto each : checks) {
    if (each != check::latency_at_baseline) plan.checked(each, true, "ok", t0 + 1);
  }
  plan.checked(check::latency_at_baseline, false, "3 times the baseline", t0 + 2);
  EXPECT_FALSE(plan.tick(t0 + 29.99));
  EXPECT_TRUE(plan.tick(t0 + 30));
  EXPECT_EQ(plan.state(), rollback_state::unverified);
  EXPECT_NE(plan.steps().back().note.find("latency_at_baseline"), std::string::npos);
  EXPECT_EQ(plan.steps().back().note.find("no_task_lost"), std::string::npos);
  EXPECT_TRUE(plan.within_budget());
}

TEST(RollbackPlan, LetsAFailedCheckPassLater) {
  auto plan = emergency();
  plan.carried_out(order::switch_to_baseline, 0, t0);
  plan.carried_out(order::requeue, 0, t0);
  plan.carried_out(order::drain, 0, t0);
  plan.checked(check::errors_at_baseline, false, "still failing", t0 + 1);
  pass_all(plan, t0 + 3);
  EXPECT_EQ(plan.state(), rollback_state::done);
}

TEST(RollbackPlan, VerifiesAgainWhenAskedWithoutChangingHowLongItTook) {
  auto plan = emergency();
  EXPECT_FALSE(plan.verify_again(t0));
  plan.carried_out(order::switch_to_baseline, 0, t0);
  plan.carried_out(order::requeue, 0, t0);
  plan.carried_out(order::drain, 0, t0);
  plan.tick(t0 + 30);
  ASSERT_EQ(plan.state(), rollback_state::unverified);
  EXPECT_TRUE(plan.verify_again(t0 + 500));
  EXPECT_EQ(plan.next().what, order::verify);
  EXPECT_EQ(plan.checks()[0].state, check_state::pending);
  pass_all(plan, t0 + 501);
  EXPECT_EQ(plan.state(), rollback_state::done);
  EXPECT_NEAR(plan.duration_s().value(), 30, 1e-6);
}

TEST(RollbackPlan, WaitsForAWordWhenPlannedAndLowersStepByStep) {
  auto plan = rollback_plan::begin(8, rollback_kind::planned, trigger::by_hand, "tidying", 75, t0);
  EXPECT_EQ(plan.next().what, order::await_confirmation);
  EXPECT_FALSE(plan.tick(t0 + 9999)) << "nothing happens by itself";
  EXPECT_TRUE(plan.confirm(t0 + 10000));
  EXPECT_FALSE(plan.confirm(t0 + 10000));
  EXPECT_EQ(plan.next().what, order::set_percentage);
  EXPECT_EQ(plan.next().percentage, 50);
  EXPECT_FALSE(plan.tick(t0 + 10014.9));
  EXPECT_TRUE(plan.tick(t0 + 10015));
  EXPECT_EQ(plan.next().percentage, 25);
  EXPECT_TRUE(plan.tick(t0 + 10030));
  EXPECT_EQ(plan.next().what, order::switch_to_baseline);
  plan.carried_out(order::switch_to_baseline, 0, t0 + 10030.5);
  plan.carried_out(order::requeue, 1, t0 + 10031);
  EXPECT_FALSE(plan.tick(t0 + 10030 + 119.9)) << "a planned one has time to drain";
  plan.carried_out(order::drain, 1, t0 + 10100);
  pass_all(plan, t0 + 10101);
  EXPECT_NEAR(plan.duration_s().value(), 71, 1e-6) << "counted from the switch";
  EXPECT_TRUE(plan.within_budget());
}

TEST(RollbackPlan, SkipsStepsThatAreNotLower) {
  auto plan = rollback_plan::begin(8, rollback_kind::planned, trigger::by_hand, "", 25, t0);
  plan.confirm(t0);
  EXPECT_EQ(plan.next().what, order::switch_to_baseline);
}

TEST(RollbackPlan, CanBeCalledOffOnlyBeforeTheSwitch) {
  auto plan = rollback_plan::begin(8, rollback_kind::planned, trigger::by_hand, "", 75, t0);
  EXPECT_TRUE(plan.cancel(t0 + 1));
  EXPECT_EQ(plan.state(), rollback_state::cancelled);
  EXPECT_TRUE(plan.finished());
  auto other = emergency();
  EXPECT_FALSE(other.cancel(t0));
}

TEST(RollbackPlan, TurnsIntoAnEmergencyWhenThingsGetWorseMeanwhile) {
  auto plan = rollback_plan::begin(8, rollback_kind::planned, trigger::by_hand, "", 75, t0);
  plan.confirm(t0 + 5);
  EXPECT_TRUE(plan.hurry("error_rate 30 %", t0 + 8));
  EXPECT_EQ(plan.kind(), rollback_kind::emergency);
  EXPECT_EQ(plan.next().what, order::switch_to_baseline);
  EXPECT_NEAR(plan.next().by_s, t0 + 10, 1e-6);
  EXPECT_FALSE(plan.hurry("again", t0 + 9));
}

TEST(RollbackPlan, LeavesWhatWaitsTimeToMoveAfterALateSwitch) {
  auto plan = emergency();
  plan.carried_out(order::switch_to_baseline, 0, t0 + 0.1);
  EXPECT_NEAR(plan.next().by_s, t0 + rollback_settings{}.requeue_s, 1e-6);
  auto late = emergency();
  late.carried_out(order::switch_to_baseline, 0, t0 + 20);
  EXPECT_EQ(late.next().what, order::requeue);
  EXPECT_NEAR(late.next().by_s, t0 + 20 + rollback_settings{}.requeue_least_s, 1e-6);
  late.resumed(t0 + 50);
  EXPECT_NEAR(late.next().by_s, t0 + 50 + rollback_settings{}.requeue_least_s, 1e-6);
}

TEST(RollbackPlan, SaysSoWhenTheBudgetWasNotKept) {
  auto plan = emergency();
  plan.carried_out(order::switch_to_baseline, 0, t0 + 40);
  plan.carried_out(order::requeue, 0, t0 + 41);
  plan.carried_out(order::drain, 0, t0 + 42);
  pass_all(plan, t0 + 43);
  EXPECT_EQ(plan.state(), rollback_state::done);
  EXPECT_FALSE(plan.within_budget());
}

// Crashes at every state of both kinds, and the order that was in force is given again.
TEST(RollbackPlan, ResumesExactlyThereFromEveryState) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 engine{seed};
    const auto kind = seed % 2 == 0 ? rollback_kind::emergency : rollback_kind::planned;
    const auto begun = rollback_plan::begin(seed, kind, trigger::health, "tab\tline\n%", 75, t0);
    auto steady = begun;
    auto crashing = begun;
    double now = t0;
    for (int i = 0; i < 60; ++i) {
      now += static_cast<double>(engine() % 8);
      const auto dice = engine() % 10;
      const auto which = engine();
      const auto each = [&](rollback_plan& plan) {
        switch (dice) {
          case 0: plan.confirm(now); break;
          case 1:
            if (which % 5 == 0) plan.hurry("worse", now);
            break;
          case 2:
          case 3:
          case 4: plan.carried_out(plan.next().what, which % 9, now); break;
          case 5:
          case 6: plan.checked(checks[which % check_count], which % 4 != 0, "d\te", now); break;
          case 7:
            if (which % 7 == 0) plan.verify_again(now);
            break;
          default: plan.tick(now); break;
        }
      };
      each(steady);
      each(crashing);
      const auto text = crashing.encode();
      auto back = rollback_plan::decode(text, {});
      ASSERT_TRUE(back) << back.error().text;
      EXPECT_EQ(back->next().what, crashing.next().what);
      crashing = std::move(*back);
      ASSERT_EQ(crashing.encode(), steady.encode()) << "seed " << seed;
    }
  }
}

TEST(RollbackPlan, RefusesARecordThatIsCutOff) {
  const auto text = emergency().encode();
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    ASSERT_FALSE(rollback_plan::decode(text.substr(0, cut), {})) << cut;
  }
}

TEST(RollbackPlan, AlwaysEndsWhenItsOrdersAreCarriedOut) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 engine{seed};
    auto plan =
        rollback_plan::begin(1, seed % 2 == 0 ? rollback_kind::emergency : rollback_kind::planned,
                             trigger::by_hand, "", static_cast<double>(engine() % 101), t0);
    double now = t0;
    for (int i = 0; i < 400 && !plan.finished(); ++i) {
      now += 1;
      plan.tick(now);
      if (engine() % 3 == 0) continue;  // The actor is slow.
      if (plan.next().what == order::await_confirmation) plan.confirm(now);
      if (plan.next().what == order::drain && engine() % 4 != 0) continue;
      plan.carried_out(plan.next().what, 1, now);
      if (plan.next().what == order::verify) {
        plan.checked(checks[engine() % check_count], true, "", now);
      }
    }
    EXPECT_TRUE(plan.finished()) << "seed " << seed;
  }
}
