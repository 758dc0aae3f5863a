#include "runtime/resilience/backoff.hpp"
#include "runtime/resilience/breaker.hpp"
#include "runtime/resilience/restart_budget.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime {
namespace {

using namespace std::chrono_literals;

constexpr breaker::time_point start{1h};

TEST(Backoff, DoublesUpToItsMaximumAndStaysWithinItsJitter) {
  const backoff waits{100ms, 1s, 0.2};
  EXPECT_EQ(waits.delay(1, 0.5), 100ms);
  EXPECT_EQ(waits.delay(2, 0.5), 200ms);
  EXPECT_EQ(waits.delay(3, 0.0), 320ms);
  EXPECT_EQ(waits.delay(60, 0.5), 1s);
}

TEST(Breaker, OpensAtTheLastOfSoManyFailuresInARow) {
  const breaker::settings set{.failures = 3, .open = 5s};
  breaker one;
  EXPECT_FALSE(one.failure(set, start));
  EXPECT_FALSE(one.failure(set, start + 1ms));
  EXPECT_TRUE(one.admit(set, start + 2ms));
  EXPECT_TRUE(one.failure(set, start + 2ms));
  EXPECT_FALSE(one.admit(set, start + 2ms + 5s - 1ns));
  EXPECT_TRUE(one.admit(set, start + 2ms + 5s));
}

TEST(Breaker, IsResetByASuccess) {
  const breaker::settings set{.failures = 2, .open = 5s};
  breaker one;
  EXPECT_FALSE(one.failure(set, start));
  one.success();
  EXPECT_FALSE(one.failure(set, start));
}

TEST(Breaker, OpensForOneThatIsCalledRarely) {
  const breaker::settings set{.failures = 5, .open = 5s};
  breaker one;
  EXPECT_FALSE(one.failure(set, start));
  EXPECT_FALSE(breaker{one}.failure(set, start + 1500ms - 1ns));
  EXPECT_TRUE(one.failure(set, start + 1500ms));
}

TEST(Breaker, IsNotOpenedByTwoCallersInAHurry) {
  const breaker::settings set{.failures = 5, .open = 5s};
  breaker one;
  EXPECT_FALSE(one.failure(set, start, false));
  EXPECT_FALSE(one.failure(set, start + 1700ms, false));
  // Nor is one of its own before them a reason.
  EXPECT_FALSE(one.failure(set, start + 2s));
  EXPECT_FALSE(one.failure(set, start + 3s, false));
  EXPECT_TRUE(one.failure(set, start + 3s, false)) << "five in a row are five";
}

TEST(Breaker, LetsOneProbeThroughAndBelievesIt) {
  const breaker::settings set{.failures = 1, .open = 5s};
  breaker one;
  EXPECT_TRUE(one.failure(set, start));
  EXPECT_TRUE(one.admit(set, start + 5s));
  EXPECT_FALSE(one.admit(set, start + 5s)) << "a second probe at the same time";
  auto failed = one;
  EXPECT_TRUE(failed.failure(set, start + 6s));
  EXPECT_FALSE(failed.admit(set, start + 11s - 1ns));
  one.success();
  EXPECT_TRUE(one.admit(set, start + 6s));
  EXPECT_EQ(one.now_is(set, start + 6s), breaker::state::closed);
}

TEST(Breaker, GivesAProbeBackThatEndedWithoutAVerdict) {
  const breaker::settings set{.failures = 1, .open = 5s};
  breaker one;
  EXPECT_TRUE(one.failure(set, start));
  EXPECT_TRUE(one.admit(set, start + 5s));
  one.forget();
  EXPECT_TRUE(one.admit(set, start + 5s));
}

TEST(Breaker, CountsNoProbesBeyondTheAttemptsThatAreUnderWay) {
  const breaker::settings set{.failures = 1, .open = 5s};
  breaker one;
  EXPECT_TRUE(one.failure(set, start));
  EXPECT_TRUE(one.admit(set, start + 5s));
  one.under_way(1);
  EXPECT_FALSE(one.admit(set, start + 5s));
  one.under_way(0);  // It was lost with whoever ran it.
  EXPECT_TRUE(one.admit(set, start + 5s));
}

TEST(RestartBudget, DoublesTheDelayAndEndsWithTheLastAllowedRestart) {
  const restart_budget::settings set{.restarts_max = 2, .window = 60s, .delay = 100ms};
  restart_budget budget;
  EXPECT_EQ(budget.next_restart(set, start), 100ms);
  EXPECT_EQ(budget.next_restart(set, start + 1s), 200ms);
  EXPECT_FALSE(budget.next_restart(set, start + 60s - 1ns));
  EXPECT_EQ(budget.next_restart(set, start + 60s), 200ms);
}

}  // namespace
}  // namespace greenroom::runtime
