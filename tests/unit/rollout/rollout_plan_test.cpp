#include "runtime/rollout/rollout_plan.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "runtime/rollout/record_text.hpp"

using namespace greenroom::runtime::rollout;

namespace {

constexpr double t0 = 1'700'000'000;

rollout_settings quick() {
  rollout_settings out;
  out.shadow_hold_s = out.step_hold_s = out.full_hold_s = out.optimization_hold_s = 60;
  out.wanted.min_samples = 100;
  out.wanted.min_control = 20;
  return out;
}

circumstances ready() {
  circumstances out;
  out.ready = {true, true, true, true, true, ""};
  out.memory_efficiency = 0.8;
  out.commands_compared = 10;
  return out;
}

/// A plan, a clock and a stream of tasks.
struct rig {
  explicit rig(rollout_settings settings = quick()) : plan(std::move(settings)) {}

  rollout_plan plan;
  double now = t0;
  circumstances seen = ready();
  std::uint64_t canary_per_tick = 50;
  std::uint64_t control_per_tick = 50;
  double canary_ms = 20;
  bool canary_fails = false;

  std::vector<decision> step() {
    now += 15;
    for (std::uint64_t i = 0; i < control_per_tick; ++i) {
      plan.observe(pool_side::baseline, 20, false, now);
    }
    for (std::uint64_t i = 0; i < canary_per_tick; ++i) {
      plan.observe(pool_side::intelligent, canary_ms, canary_fails, now);
    }
    return plan.tick(seen, now);
  }
  bool until(phase where, double percentage, int ticks = 100) {
    for (int i = 0; i < ticks; ++i) {
      if (plan.at() == where && plan.percentage() == percentage) return true;
      step();
    }
    return plan.at() == where && plan.percentage() == percentage;
  }
  decision last() const { return plan.decisions().back(); }
};

}  // namespace

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
                     + " " + exact_text(each.percentage));
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

TEST(RolloutPlan, AsksForConfirmationExactlyWhereItIsTold) {
  auto settings = quick();
  settings.confirm = {true, true, true, true};
  rig here{settings};
  here.plan.start("ada", here.now);
  std::vector<std::string> asked;
  for (int i = 0; i < 300 && here.plan.stands() != standing::complete; ++i) {
    for (const auto& each : here.step()) {
      if (each.kind != decision_kind::offered) continue;
      asked.push_back(std::string(name_of(each.where)) + exact_text(each.percentage));
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

TEST(RolloutPlan, DoesNotCountTimeInWhichNobodyTicked) {
  rig here;
  here.plan.start("ada", here.now);
  here.step();
  here.step();
  here.now += 7200;
  here.step();
  EXPECT_DOUBLE_EQ(here.plan.held_s(), 15 + 30) << "two check intervals at most";
  here.now -= 500;
  here.step();
  EXPECT_DOUBLE_EQ(here.plan.held_s(), 45) << "nor a clock that steps back";
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
  for (int i = 0; i < 50; ++i) here.step();
  EXPECT_EQ(here.plan.at(), phase::optimization);
  here.seen.tuning = false;
  here.step();
  EXPECT_EQ(here.plan.at(), phase::complete);
}

TEST(RolloutPlan, BoundsItsRecordAndNumbersEveryDecision) {
  auto settings = quick();
  settings.decisions_max = 10;
  rig here{settings};
  here.plan.start("ada", here.now);
  for (int i = 0; i < 100; ++i) {
    here.plan.pause("ada", here.now);
    here.plan.resume("ada", here.now);
  }
  ASSERT_EQ(here.plan.decisions().size(), 10u);
  EXPECT_EQ(here.last().number, 201u);
  for (std::size_t i = 1; i < 10; ++i) {
    EXPECT_EQ(here.plan.decisions()[i].number, here.plan.decisions()[i - 1].number + 1);
  }
}

// The plan that is read back at every single step has to do what the plan that never stopped does.
TEST(RolloutPlan, ResumesExactlyThereFromEveryStepOfARandomRollout) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 engine{seed};
    auto settings = quick();
    settings.confirm.raise_percentage = seed % 3 == 0;
    settings.decisions_max = 20;
    rollout_plan steady{settings}, crashing{settings};
    double now = t0;
    for (int i = 0; i < 200; ++i) {
      now += 15;
      const auto dice = engine() % 40;
      const auto draw = engine();
      const auto each = [&](rollout_plan& plan) {
        switch (dice) {
          case 0:
          case 1: plan.start("ada", now); break;
          case 2: plan.pause("ada", now); break;
          case 3:
          case 4: plan.resume("ada", now); break;
          case 5:
          case 6: plan.advance("ada\nwith\ttabs % and lines", draw % 2 == 0, now); break;
          case 7:
            if (draw % 4 == 0) plan.abort("ada", "reason", now);
            break;
          case 8:
            if (draw % 4 == 0) plan.fall_back("trigger", now);
            break;
          case 9: plan.route("ada", static_cast<double>(draw % 101), now); break;
          default: break;
        }
        for (int task = 0; task < 40; ++task) {
          plan.observe(pool_side::baseline, 20 + task, false, now);
          plan.observe(pool_side::intelligent, 22.5 + task, draw % 97 == 0 && task < 20, now);
        }
        plan.tick(ready(), now);
      };
      each(steady);
      each(crashing);
      const auto text = crashing.encode();
      std::string error;
      auto back = rollout_plan::decode(text, settings, error);
      ASSERT_TRUE(back) << error << " seed " << seed;
      ASSERT_EQ(back->encode(), text) << "seed " << seed;
      crashing = std::move(*back);
      ASSERT_EQ(crashing.encode(), steady.encode()) << "seed " << seed << " step " << i;
    }
  }
}

TEST(RolloutPlan, RefusesARecordThatIsCutOffOrOfAnotherVersion) {
  rig here;
  here.plan.start("ada", here.now);
  here.step();
  const auto text = here.plan.encode();
  std::string error;
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    ASSERT_FALSE(rollout_plan::decode(text.substr(0, cut), quick(), error)) << cut;
    ASSERT_FALSE(error.empty());
  }
  auto other = text;
  other.replace(other.find(" 1\n"), 3, " 9\n");
  EXPECT_FALSE(rollout_plan::decode(other, quick(), error));
  EXPECT_NE(error.find("version"), std::string::npos);
}

TEST(RolloutPlan, SaysThatItWasRestoredAndDoesNotCountTheOutage) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25));
  here.step();
  std::string error;
  auto back = rollout_plan::decode(here.plan.encode(), quick(), error);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->restored(here.now + 3600)->kind, decision_kind::restored);
  EXPECT_EQ(back->percentage(), 25);
  EXPECT_DOUBLE_EQ(back->held_s(), 15);
  back->tick(ready(), here.now + 3600 + 5);
  EXPECT_DOUBLE_EQ(back->held_s(), 20);
}

TEST(RecordText, ReadsBackAnyBytes) {
  std::string odd;
  for (int i = 1; i < 256; ++i) odd += static_cast<char>(i);
  record_writer out{"kind", 3};
  out.put("odd", std::string_view{odd});
  out.put("list", std::vector<std::string>{odd, "", "a\tb"});
  out.put("pi", 0.1 + 0.2);
  out.put("n", std::uint64_t{18446744073709551615u});
  out.put("yes", true);
  std::string error;
  const auto text = std::move(out).finish();
  const auto in = record_reader::open(text, "kind", 3, error);
  ASSERT_TRUE(in) << error;
  EXPECT_EQ(in->text("odd"), odd);
  EXPECT_EQ(in->fields("list").at(0), (std::vector<std::string>{odd, "", "a\tb"}));
  EXPECT_EQ(in->number("pi"), 0.1 + 0.2);
  EXPECT_EQ(in->whole("n"), 18446744073709551615u);
  EXPECT_EQ(in->flag("yes"), true);
  EXPECT_FALSE(in->text("none"));
  EXPECT_FALSE(record_reader::open(text, "other", 3, error));
  EXPECT_FALSE(record_reader::open(text, "kind", 2, error));
}
