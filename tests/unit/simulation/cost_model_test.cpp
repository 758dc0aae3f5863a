// The cost model on traces that are small enough to be worked out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/pooling/lru_policy.hpp"
#include "runtime/simulation/keep_alive.hpp"
#include "runtime/simulation/slots.hpp"
#include "runtime/simulation/warm_policy_run.hpp"

namespace greenroom::runtime {
namespace {

trace traffic_of(std::vector<request> requests, std::size_t specialists) {
  trace made;
  made.requests = std::move(requests);
  for (std::size_t i = 0; i < specialists; ++i) made.specialists.push_back(std::to_string(i));
  return made;
}

request ask(double time_s, specialist_index who, double duration_s = 0) {
  return {time_s, duration_s, 0, who};
}

TEST(CostModel, ChargesMemoryFromTheStartOfTheLoadToTheEndOfTheKeepAlive) {
  const trace traffic = traffic_of({ask(100, 0, 5)}, 1);
  // Load 100–110, run 110–115, idle until 145.
  const auto result = run_keep_alive({&traffic, 10, 1000}, *make_fixed_keep_alive(30));
  EXPECT_EQ(result.cold, 1U);
  EXPECT_DOUBLE_EQ(result.memory_ratio, 45.0 / 1000);
  EXPECT_DOUBLE_EQ(result.wait_s, 10);
  EXPECT_EQ(result.peak_warm, 1U);
  EXPECT_EQ(result.loads, 1U);
}

TEST(CostModel, CountsARequestDuringALoadAsDelayedAndNotAsCold) {
  const trace traffic = traffic_of({ask(0, 0), ask(4, 0), ask(10, 0)}, 1);
  const auto result = run_keep_alive({&traffic, 10, 100}, *make_fixed_keep_alive(30));
  EXPECT_EQ(result.cold, 1U);
  EXPECT_DOUBLE_EQ(result.delayed_ratio, 1.0 / 3);
  EXPECT_DOUBLE_EQ(result.wait_s, (10.0 + 6.0) / 3);
}

TEST(CostModel, StartsTheIdleClockAtTheEndOfTheLastTaskAndNotAtItsStart) {
  const trace traffic = traffic_of({ask(0, 0, 100), ask(139, 0)}, 1);
  EXPECT_EQ(run_keep_alive({&traffic, 10, 200}, *make_fixed_keep_alive(29)).cold, 1U);
  EXPECT_EQ(run_keep_alive({&traffic, 10, 200}, *make_fixed_keep_alive(28.9)).cold, 2U);
}

TEST(CostModel, IntegratesMemoryToTheHorizonAndNoFurther) {
  const trace traffic = traffic_of({ask(90, 0)}, 1);
  const auto result = run_keep_alive({&traffic, 10, 100}, *make_fixed_keep_alive(3600));
  EXPECT_DOUBLE_EQ(result.memory_ratio, 0.1);
}

TEST(CostModel, HasNoColdStartAndAllTheMemoryWhenAlwaysWarm) {
  const trace traffic = traffic_of({ask(0, 0), ask(50, 1)}, 2);
  const auto result = run_keep_alive({&traffic, 10, 100}, *make_always_warm());
  EXPECT_EQ(result.cold, 0U);
  EXPECT_DOUBLE_EQ(result.memory_ratio, 1.0);
  EXPECT_EQ(result.peak_warm, 2U);
}

TEST(CostModel, LoadsJustInTimeAndPaysForTheLoadAlone) {
  const trace traffic = traffic_of({ask(50, 0), ask(80, 0)}, 1);
  const auto result = run_keep_alive({&traffic, 10, 100}, *make_just_in_time(10));
  EXPECT_EQ(result.cold, 0U);
  EXPECT_DOUBLE_EQ(result.delayed_ratio, 0);
  EXPECT_DOUBLE_EQ(result.memory_ratio, 20.0 / 100);
  EXPECT_EQ(result.prewarm_hits, 2U);
}

TEST(CostModel, KeepsOnlyThroughTheGapsThatAreShortEnough) {
  // Ready at 10; gaps of 20 and 50.
  const trace traffic = traffic_of({ask(0, 0), ask(30, 0), ask(80, 0)}, 1);
  const auto result = run_keep_alive({&traffic, 10, 100}, *make_shortest_gaps(20));
  EXPECT_EQ(result.cold, 2U);
  EXPECT_DOUBLE_EQ(result.memory_ratio, (30.0 + 10.0) / 100);
}

TEST(CostModel, TakesThe75thPercentileOverTheSpecialistsThatWereAskedFor) {
  // Own ratios 1, 1/2, 1/4 and nobody for the fourth: rank 1.5 between 1/2 and 1.
  const trace traffic = traffic_of(
      {ask(0, 0), ask(0, 1), ask(0, 2), ask(20, 1), ask(20, 2), ask(20, 2), ask(20, 2)}, 4);
  const auto result = run_keep_alive({&traffic, 10, 100}, *make_fixed_keep_alive(100));
  EXPECT_DOUBLE_EQ(result.cold_ratio_p75, 0.75);
}

TEST(CostModel, EvictsTheLeastRecentlyUsedWhenTheSlotsAreTaken) {
  const trace traffic =
      traffic_of({ask(0, 0), ask(20, 1), ask(40, 0), ask(60, 2), ask(80, 0), ask(90, 1)}, 3);
  const auto rule = make_lru_slots(traffic);
  const auto result = run_slots({&traffic, 10, 100}, *rule, 2);
  // 2 takes the place of 1, and so does 1 of 2.
  EXPECT_EQ(result.cold, 4U);
  EXPECT_EQ(result.peak_warm, 2U);
}

TEST(CostModel, ExceedsTheSlotsOnlyWhileAllAreBusy) {
  const trace traffic = traffic_of({ask(0, 0), ask(5, 1), ask(30, 2)}, 3);
  const auto rule = make_lru_slots(traffic);
  const auto result = run_slots({&traffic, 10, 50}, *rule, 1);
  EXPECT_EQ(result.peak_warm, 2U);
  // 0 and 1 are both given up when 2 needs the one slot at 30.
  EXPECT_DOUBLE_EQ(result.memory_ratio, (30.0 + 25.0 + 20.0) / 150);
}

TEST(CostModel, LeavesTheSurplusOfAPolicyOfTheNodeUntilTheNextMissWhenToldTo) {
  const trace traffic = traffic_of({ask(0, 0), ask(5, 1), ask(30, 2)}, 3);
  const workload work{&traffic, 10, 50};
  warm_policy_run how;
  how.limits = {.max_warm = 1, .min_residency_s = 0, .cooldown_s = 1000};
  how.review_every_s = 0;
  const auto strict = run_warm_policy(work, *make_lru_policy(), how);
  // 0 goes when it is idle at 10, since 1 is there already; 1 makes room for 2 at 30.
  EXPECT_DOUBLE_EQ(strict.memory_ratio, (10.0 + 25.0 + 20.0) / 150);
  how.surplus_until_miss = true;
  const auto lenient = run_warm_policy(work, *make_lru_policy(), how);
  EXPECT_EQ(lenient.peak_warm, 2U);
  EXPECT_DOUBLE_EQ(lenient.memory_ratio, (30.0 + 25.0 + 20.0) / 150);
}

TEST(CostModel, KeepsTheOneThatBeladyKnowsToComeBackFirst) {
  const trace traffic = traffic_of({ask(0, 0), ask(20, 1), ask(40, 2), ask(60, 0), ask(80, 1)}, 3);
  const auto rule = make_belady_slots(traffic);
  EXPECT_EQ(run_slots({&traffic, 10, 100}, *rule, 2).cold, 4U);
  const auto lru = make_lru_slots(traffic);
  EXPECT_EQ(run_slots({&traffic, 10, 100}, *lru, 2).cold, 5U);
}

TEST(CostModel, IsTheSameForAPolicyOfTheNodeAsForTheRuleItFollows) {
  // Least recently used with a cooldown and no cap is a fixed keep-alive, up to the review.
  std::vector<request> requests;
  double now_s = 0;
  for (int i = 0; i < 400; ++i) {
    now_s += 7.0 + 13.0 * std::abs(std::sin(i * 1.7));
    requests.push_back(ask(now_s, static_cast<specialist_index>((i * i + i / 3) % 9), i % 5));
  }
  const trace traffic = traffic_of(std::move(requests), 9);
  const workload work{&traffic, 3, now_s + 100};
  const auto expected = run_keep_alive(work, *make_fixed_keep_alive(45));
  const auto policy = make_lru_policy();
  warm_policy_run how;
  how.limits = {.max_warm = 9, .min_residency_s = 0, .cooldown_s = 45};
  how.review_every_s = 0;
  const auto played = run_warm_policy(work, *policy, how);
  EXPECT_EQ(played.cold, expected.cold);
  EXPECT_DOUBLE_EQ(played.wait_s, expected.wait_s);
  EXPECT_NEAR(played.memory_ratio, expected.memory_ratio, 1e-9);
  EXPECT_EQ(played.peak_warm, expected.peak_warm);
}

TEST(HybridHistogram, KeepsTheWholeRangeWhileNothingIsKnown) {
  const auto rule = make_hybrid_histogram(3600, 10, 1);
  const idle_window window = rule->after_task(0, 0);
  EXPECT_DOUBLE_EQ(window.prewarm_s, 0);
  EXPECT_DOUBLE_EQ(window.until_s, 3600);
}

TEST(HybridHistogram, PrewarmsALoadTimeBeforeTheHeadOfItsHistogram) {
  const auto rule = make_hybrid_histogram(3600, 10, 1);
  for (int i = 0; i < 10; ++i) rule->observe_gap(0, 630);
  const idle_window window = rule->after_task(0, 0);
  EXPECT_DOUBLE_EQ(window.prewarm_s, 0.9 * 600 - 10);
  EXPECT_DOUBLE_EQ(window.until_s, 1.1 * 660);
}

TEST(HybridHistogram, ForecastsFromTheMeanWhenMostIdleTimesAreBeyondItsRange) {
  const auto rule = make_hybrid_histogram(3600, 10, 1);
  for (int i = 0; i < 4; ++i) rule->observe_gap(0, 10'000);
  const idle_window window = rule->after_task(0, 0);
  EXPECT_DOUBLE_EQ(window.prewarm_s, 8500 - 10);
  EXPECT_DOUBLE_EQ(window.until_s, 11'500);
}

}  // namespace
}  // namespace greenroom::runtime
