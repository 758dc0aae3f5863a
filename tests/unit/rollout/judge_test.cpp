#include "runtime/rollout/judge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

using namespace greenroom::runtime::rollout;

namespace {

constexpr double now = 1'700'000'000;

arm of(std::initializer_list<std::pair<double, int>> values) {
  arm out;
  for (const auto& [value, times] : values) {
    for (int i = 0; i < times; ++i) out.add(value, false);
  }
  return out;
}

arm with_errors(std::uint64_t tasks, std::uint64_t errors, double took_ms = 20) {
  arm out;
  for (std::uint64_t i = 0; i < tasks; ++i) out.add(took_ms, i < errors);
  return out;
}

evidence seen(arm control, arm canary) {
  evidence out;
  out.control = std::move(control);
  out.canary = std::move(canary);
  out.memory_efficiency = 0.80;
  out.commands_compared = 100;
  out.last_canary_task_s = now;
  return out;
}

verdict of(const judgement& all, std::string_view name) {
  const auto found = std::find_if(all.findings.begin(), all.findings.end(),
                                  [&](const auto& each) { return each.name == name; });
  EXPECT_NE(found, all.findings.end()) << name;
  return found->outcome;
}

}  // namespace

// Kayenta #780: a rank test with a small effect size lets this pass.
TEST(Judge, FailsACanaryOfSevenHundredsAndThreeOnesAgainstTenOnes) {
  const auto found = judge(seen(of({{1, 10}}), of({{100, 7}, {1, 3}})), {}, 1, now);
  EXPECT_EQ(found.outcome, verdict::fail) << found.summary();
  EXPECT_EQ(of(found, "latency_p50"), verdict::fail);
}

TEST(Judge, HoldsALatencyUntilThereAreEnoughTasksAndFailsErrorsBefore) {
  criteria wanted;
  wanted.min_latency_samples = 500;
  const auto slow = of({{100, 7}, {1, 3}});
  EXPECT_EQ(judge(seen(of({{1, 10}}), slow), wanted, 1, now).outcome, verdict::insufficient_data);
  EXPECT_EQ(judge(seen(of({{20, 500}}), of({{400, 499}})), wanted, 1, now).outcome,
            verdict::insufficient_data);
  EXPECT_EQ(judge(seen(of({{20, 500}}), of({{400, 500}})), wanted, 1, now).outcome, verdict::fail);
  EXPECT_EQ(judge(seen(with_errors(40, 0), with_errors(40, 30)), wanted, 1, now).outcome,
            verdict::fail);
}

TEST(Judge, DoesNotCondemnTenOnesAgainstTenOnes) {
  const auto found = judge(seen(of({{1, 10}}), of({{1, 10}})), {}, 1, now);
  EXPECT_EQ(found.outcome, verdict::insufficient_data);
  EXPECT_EQ(of(found, "latency_p50"), verdict::pass);
}

TEST(Judge, PassesAGoodCanaryWithEnoughData) {
  const auto found = judge(seen(of({{20, 500}}), of({{20, 450}, {45, 50}})), {}, 1, now);
  EXPECT_EQ(found.outcome, verdict::pass) << found.summary();
}

TEST(Judge, AsksForExactlyTheMinimumOfSamples) {
  EXPECT_EQ(judge(seen(of({{20, 500}}), of({{20, 499}})), {}, 1, now).outcome,
            verdict::insufficient_data);
  EXPECT_EQ(judge(seen(of({{20, 500}}), of({{20, 500}})), {}, 1, now).outcome, verdict::pass);
  EXPECT_EQ(judge(seen(of({{20, 49}}), of({{20, 500}})), {}, 1, now).outcome,
            verdict::insufficient_data);
  EXPECT_EQ(judge(seen(of({{20, 50}}), of({{20, 500}})), {}, 1, now).outcome, verdict::pass);
}

TEST(Judge, CallsNoTrafficInsufficientHoweverMuchThereWasBefore) {
  auto quiet = seen(of({{20, 5000}}), of({{20, 5000}}));
  quiet.last_canary_task_s = now - 300;
  EXPECT_EQ(judge(quiet, {}, 1, now).outcome, verdict::pass);
  quiet.last_canary_task_s = now - 300.001;
  EXPECT_EQ(judge(quiet, {}, 1, now).outcome, verdict::insufficient_data);
  EXPECT_EQ(judge({}, {}, 1, now).outcome, verdict::insufficient_data);
}

TEST(Judge, FailsErrorsAgainstAZeroErrorBaselineAsSoonAsTheyAreNoChance) {
  EXPECT_NE(judge(seen(with_errors(500, 0), with_errors(500, 1)), {}, 1, now).outcome,
            verdict::fail);
  EXPECT_EQ(judge(seen(with_errors(500, 0), with_errors(500, 12)), {}, 1, now).outcome,
            verdict::fail);
  EXPECT_EQ(judge(seen(with_errors(500, 0), with_errors(500, 0)), {}, 1, now).outcome,
            verdict::pass);
}

TEST(Judge, DoesNotFailACanaryForErrorsThatTheBaselineHasToo) {
  const auto found = judge(seen(with_errors(1000, 25), with_errors(1000, 26)), {}, 1, now);
  EXPECT_EQ(found.outcome, verdict::hold) << "2.6 % is over the limit of 2 %, but not for certain";
  EXPECT_EQ(judge(seen(with_errors(1000, 19), with_errors(1000, 19)), {}, 1, now).outcome,
            verdict::pass);
  EXPECT_EQ(judge(seen(with_errors(1000, 20), with_errors(1000, 20)), {}, 1, now).outcome,
            verdict::hold)
      << "less than 2 % is wanted, not 2 %";
  EXPECT_EQ(judge(seen(with_errors(1000, 100), with_errors(1000, 100)), {}, 1, now).outcome,
            verdict::fail)
      << "10 % is certainly over the limit, whatever the baseline does";
}

TEST(Judge, FailsAnErrorRateThatIsOverTheLimitByLittleButForCertain) {
  const auto found = judge(seen(with_errors(10000, 250), with_errors(10000, 250)), {}, 1, now);
  EXPECT_EQ(of(found, "error_rate"), verdict::fail) << "2.5 % of ten thousand";
}

TEST(Judge, LetsOneTaskInTwentyWaitForAColdStart) {
  const auto found = judge(seen(of({{20, 500}}), of({{20, 950}, {400, 50}})), {}, 1, now);
  EXPECT_EQ(found.outcome, verdict::pass) << found.summary();
}

TEST(Judge, IgnoresADifferenceInErrorsThatIsCertainButSmall) {
  const auto found = judge(seen(with_errors(200000, 200), with_errors(200000, 900)), {}, 1, now);
  EXPECT_EQ(of(found, "error_rate"), verdict::pass) << found.summary();
}

TEST(Judge, FailsNothingWhenItIsNotGivenALook) {
  EXPECT_NE(judge(seen(of({{1, 10}}), of({{100, 10}})), {}, 0, now).outcome, verdict::fail);
  EXPECT_NE(judge(seen(with_errors(500, 0), with_errors(500, 400)), {}, 0, now).outcome,
            verdict::fail);
}

TEST(Judge, HoldsWhatIsOverARatioWithoutBeingSureAndPassesJustUnderIt) {
  EXPECT_EQ(judge(seen(of({{10, 500}}), of({{24.8, 500}})), {}, 1, now).outcome, verdict::pass);
  EXPECT_EQ(judge(seen(of({{10, 500}}), of({{25.3, 500}})), {}, 1, now).outcome, verdict::fail);
  // Half the canary's tasks hardly over: the mean is under, the median is not for certain.
  const auto found = judge(seen(of({{10, 500}}), of({{5, 245}, {25.5, 255}})), {}, 1, now);
  EXPECT_EQ(of(found, "response_ratio"), verdict::pass);
  EXPECT_EQ(found.outcome, verdict::fail)
      << "the exceedance test is sure: 255 beyond, none allowed";
}

TEST(Judge, LetsShortTasksWaitForTheSlackItIsGiven) {
  criteria wanted;
  EXPECT_EQ(judge(seen(of({{1, 500}}), of({{1, 250}, {200, 250}})), wanted, 1, now).outcome,
            verdict::fail);
  wanted.response_slack_ms = 350;
  EXPECT_EQ(judge(seen(of({{1, 500}}), of({{1, 250}, {200, 250}})), wanted, 1, now).outcome,
            verdict::pass);
}

TEST(Judge, HoldsForMemoryThatIsNotSavedAndForCommandsThatDiffer) {
  auto all = seen(of({{20, 500}}), of({{20, 500}}));
  all.memory_efficiency = 0.70;
  EXPECT_EQ(judge(all, {}, 1, now).outcome, verdict::hold) << "more than 70 % is wanted";
  all.memory_efficiency = 0.701;
  EXPECT_EQ(judge(all, {}, 1, now).outcome, verdict::pass);
  all.commands_differing = 1;
  EXPECT_EQ(judge(all, {}, 1, now).outcome, verdict::hold);
  all.commands_differing = 0;
  all.commands_compared = 0;
  EXPECT_EQ(judge(all, {}, 1, now).outcome, verdict::insufficient_data);
  criteria wanted;
  wanted.judge_commands = false;
  EXPECT_EQ(judge(all, wanted, 1, now).outcome, verdict::pass);
  all.memory_efficiency.reset();
  EXPECT_EQ(judge(all, wanted, 1, now).outcome, verdict::insufficient_data);
}

TEST(Judge, SaysWhyWithTheNumbers) {
  const auto found = judge(seen(with_errors(500, 0), with_errors(500, 50)), {}, 1, now);
  EXPECT_NE(found.summary().find("10.00 %"), std::string::npos) << found.summary();
  EXPECT_EQ(found.summary().find("traffic"), std::string::npos) << "only what decided";
}

// Two arms from one distribution, looked at again and again as the data grows.
TEST(Judge, FailsAnEqualCanaryRarelyHoweverOftenItLooks) {
  int failed = 0;
  constexpr int rounds = 300;
  for (int round = 0; round < rounds; ++round) {
    std::mt19937_64 engine{static_cast<std::uint64_t>(round) + 1};
    std::lognormal_distribution<double> body{3, 0.8};
    std::bernoulli_distribution error{0.015};
    evidence all = seen({}, {});
    criteria wanted;
    wanted.response_ratio = 1.0;  // The boundary of what is allowed: chance is at its greatest.
    wanted.error_margin = 0;
    bool fails = false;
    std::uint32_t look = 0;
    for (std::uint64_t next = 8; next < 1500 && !fails; next = next * 6 / 5 + 1) {
      while (all.canary.tasks < next) {
        all.canary.add(body(engine), error(engine));
        all.control.add(body(engine), error(engine));
      }
      fails = judge(all, wanted, ++look, now).outcome == verdict::fail;
    }
    failed += fails;
  }
  EXPECT_LE(failed, rounds * 5 / 100 + 3 * 4);
}

TEST(Judge, FindsACanaryThatIsThreeTimesSlowerWithinAHundredTasks) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 engine{seed};
    std::lognormal_distribution<double> body{3, 0.3};
    evidence all = seen({}, {});
    bool fails = false;
    std::uint32_t look = 0;
    for (int i = 1; i <= 100 && !fails; ++i) {
      all.control.add(body(engine), false);
      all.canary.add(4 * body(engine), false);
      if (i % 10 == 0) fails = judge(all, {}, ++look, now).outcome == verdict::fail;
    }
    EXPECT_TRUE(fails) << "seed " << seed;
  }
}

namespace {

arm with_runs(std::initializer_list<std::pair<double, int>> runs) {
  arm out;
  for (const auto& [value, times] : runs) {
    for (int i = 0; i < times; ++i) out.add(5, false, value);
  }
  return out;
}

criteria with_slack() {
  criteria wanted;
  wanted.response_slack_ms = 250;
  return wanted;
}

}  // namespace

// Two of a hundred take 0.8 s in place of 2 ms, and every quantile up to 0.9 is as it was.
TEST(Judge, FailsATailOfSlowRunsThatTheOtherQuantilesDoNotShow) {
  const auto control = with_runs({{2, 1500}});
  const auto found = judge(seen(control, with_runs({{2, 980}, {800, 20}})), with_slack(), 1, now);
  EXPECT_EQ(of(found, "run_p99"), verdict::fail) << found.summary();
  EXPECT_EQ(of(found, "latency_p90"), verdict::pass);
  // One of two hundred is no quantile of 0.99, and a tail within the slack is let pass.
  EXPECT_EQ(
      of(judge(seen(control, with_runs({{2, 995}, {800, 5}})), with_slack(), 1, now), "run_p99"),
      verdict::pass);
  EXPECT_EQ(
      of(judge(seen(control, with_runs({{2, 980}, {240, 20}})), with_slack(), 1, now), "run_p99"),
      verdict::pass);
}

TEST(Judge, HoldsATailThatIsTooFewTasksToFail) {
  const auto found =
      judge(seen(with_runs({{2, 100}}), with_runs({{2, 97}, {800, 3}})), with_slack(), 12, now);
  EXPECT_EQ(of(found, "run_p99"), verdict::hold) << found.summary();
}

// Cold starts are in what callers waited, and not in how long workers ran.
TEST(Judge, CountsNoColdStartInTheTail) {
  arm canary;
  for (int i = 0; i < 1000; ++i) canary.add(i % 40 == 0 ? 900 : 5, false, 2);
  const auto found = judge(seen(with_runs({{2, 1000}}), canary), with_slack(), 1, now);
  EXPECT_EQ(of(found, "run_p99"), verdict::pass);
  EXPECT_EQ(found.outcome, verdict::pass) << found.summary();
}

TEST(Judge, AsksForNothingWhereACriterionIsZero) {
  criteria wanted;
  wanted.min_samples = 10;
  auto all = seen(with_errors(100, 0), with_errors(100, 90, 9000));
  all.memory_efficiency.reset();
  EXPECT_EQ(judge(all, wanted, 1, now).outcome, verdict::fail);
  wanted.error_rate = wanted.response_ratio = wanted.memory_efficiency = 0;
  const auto found = judge(all, wanted, 1, now);
  EXPECT_EQ(found.outcome, verdict::pass) << found.summary();
  for (const char* name : {"error_rate", "response_ratio", "memory_efficiency", "latency_p50"})
    EXPECT_EQ(of(found, name), verdict::pass) << name;
}

TEST(Judge, FailsDifferingOutputsOncePeopleGetThem) {
  auto all = seen(with_errors(1000, 0), with_errors(1000, 0));
  all.commands_compared = 50;
  all.commands_differing = 50;
  criteria wanted;
  EXPECT_EQ(of(judge(all, wanted, 1, now), "command_compatibility"), verdict::hold)
      << "in shadow nobody waits for them";
  wanted.only_compared = false;
  EXPECT_EQ(of(judge(all, wanted, 1, now), "command_compatibility"), verdict::fail);
  all.commands_differing = 2;
  EXPECT_EQ(of(judge(all, wanted, 1, now), "command_compatibility"), verdict::hold);
  all.commands_compared = all.commands_differing = 0;
  EXPECT_EQ(of(judge(all, wanted, 1, now), "command_compatibility"), verdict::pass);
}
