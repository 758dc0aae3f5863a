// What a rollout leaves behind, and how it goes on from there.
#include "tests/unit/rollout/plan_rig.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "runtime/record.hpp"

using namespace greenroom::runtime::rollout;
using greenroom::runtime::record_reader, greenroom::runtime::record_writer;

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
          plan.observe(pool_kind::baseline, ended(1, 20 + task), now);
          plan.observe(pool_kind::intelligent, ended(1, 22.5 + task, draw % 97 == 0 && task < 20),
                       now);
        }
        plan.tick(ready(), now);
      };
      each(steady);
      each(crashing);
      const auto text = crashing.encode();
      auto back = rollout_plan::decode(text, settings);
      ASSERT_TRUE(back) << back.error().text << " seed " << seed;
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
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    const auto back = rollout_plan::decode(text.substr(0, cut), quick());
    ASSERT_FALSE(back) << cut;
    ASSERT_FALSE(back.error().text.empty());
  }
  auto other = text;
  other.replace(other.find(" 1\n"), 3, " 9\n");
  const auto newer = rollout_plan::decode(other, quick());
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, "version");
}

TEST(RolloutPlan, StillKnowsWhatTheBaselineWasLikeAfterARestartAtFullTraffic) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 100));
  here.control_per_tick = 0;
  ASSERT_TRUE(here.until(phase::full_deployment, 100));
  const auto back = rollout_plan::decode(here.plan.encode(), quick());
  ASSERT_TRUE(back);
  EXPECT_GE(back->compared_with().tasks, 20u);
  EXPECT_NEAR(back->compared_with().latency_ms.mean().value_or(0), 20, 0.5);
}

// One output in ten differed. The node dies just before the hold is over, and whoever compares
// begins to count anew: a few equal ones do not make it good.
TEST(RolloutPlan, RemembersOutputsThatDifferedBeforeARestart) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::shadow_mode, 0));
  here.seen.commands_compared = 100;
  here.seen.commands_differing = 10;
  for (int i = 0; i < 3; ++i) here.step();
  ASSERT_EQ(here.plan.at(), phase::shadow_mode);
  auto back = rollout_plan::decode(here.plan.encode(), quick());
  ASSERT_TRUE(back) << back.error().text;
  back->restored(here.now);
  here.plan = std::move(*back);
  here.seen.commands_compared = 5;
  here.seen.commands_differing = 0;
  for (int i = 0; i < 50; ++i) here.step();
  EXPECT_EQ(here.plan.at(), phase::shadow_mode);
  // A reload reads it back too, and there the count goes on.
  auto again = rollout_plan::decode(here.plan.encode(), quick());
  ASSERT_TRUE(again);
  here.plan = std::move(*again);
  here.step();
  const auto& found = here.plan.last_judgement()->findings;
  EXPECT_TRUE(std::any_of(found.begin(), found.end(), [](const finding& one) {
    return one.text == "10 of 105 outputs compared differ";
  }));
  // The next run begins with nothing.
  here.plan.abort("ada", "", here.now);
  here.plan.start("ada", here.now);
  here.step();
  here.step();
  EXPECT_EQ(here.plan.at(), phase::shadow_mode);
  EXPECT_TRUE(here.until(phase::partial_rollout, 25));
}

TEST(RolloutPlan, SaysThatItWasRestoredAndDoesNotCountTheOutage) {
  rig here;
  here.plan.start("ada", here.now);
  ASSERT_TRUE(here.until(phase::partial_rollout, 25));
  here.step();
  auto back = rollout_plan::decode(here.plan.encode(), quick());
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
  const auto text = std::move(out).finish();
  const auto in = record_reader::open(text, "kind", 3);
  ASSERT_TRUE(in) << in.error().text;
  EXPECT_EQ(in->text("odd"), odd);
  EXPECT_EQ(in->fields("list").at(0), (std::vector<std::string>{odd, "", "a\tb"}));
  EXPECT_EQ(in->finite("pi"), 0.1 + 0.2);
  EXPECT_EQ(in->whole("n"), 18446744073709551615u);
  EXPECT_EQ(in->flag("yes"), true);
  EXPECT_FALSE(in->text("none"));
  EXPECT_FALSE(record_reader::open(text, "other", 3));
  EXPECT_FALSE(record_reader::open(text, "kind", 2));
}
