#include "runtime/chaos/verdict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace greenroom::runtime::chaos {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

outcome good() {
  outcome came;
  came.asked = 1000;
  came.completed = 952;
  came.faults = 20;
  came.recovery = {20, 7, 20, 60};
  came.over_budget_s = 5;
  return came;
}

TEST(ChaosVerdict, IsGoodExactlyOnTheBounds) { EXPECT_THAT(misses(good(), {}), IsEmpty()); }

TEST(ChaosVerdict, NamesEachMiss) {
  struct {
    std::function<void(outcome&)> worse;
    const char* says;
  } const cases[] = {
      {[](outcome& o) { o.completed = 951; }, "95.10 %"},
      {[](outcome& o) { o.recovery.mean = 7.001; }, "mean recovery took 7.001 s"},
      {[](outcome& o) { o.recovery.max = 60.001; }, "longest recovery took 60.001 s"},
      {[](outcome& o) { o.recovery.count = 19; }, "95.0 % of the faults"},
      {[](outcome& o) { o.lost = 1; }, "1 tasks were lost"},
      {[](outcome& o) { o.doubled = 1; }, "answered twice"},
      {[](outcome& o) { o.pending = 1; }, "still pending"},
      {[](outcome& o) { o.always_balanced = false; }, "answered plus pending"},
      {[](outcome& o) { o.over_budget_s = 5.1; }, "above its budget for 5.1 s"},
  };
  for (const auto& each : cases) {
    auto came = good();
    each.worse(came);
    EXPECT_THAT(misses(came, {}), ElementsAre(HasSubstr(each.says)));
  }
}

TEST(ChaosVerdict, AllowsRecoveriesThatAreLongOnlyBecauseStartsAre) {
  bounds wanted;
  wanted.mean_recovery_s = 1;
  wanted.mean_recovery_starts = 20;
  auto came = good();
  came.start_s = 0.03;
  came.recovery.mean = 1;
  EXPECT_THAT(misses(came, wanted), IsEmpty());
  came.recovery.mean = 1.01;
  EXPECT_THAT(misses(came, wanted), ElementsAre(HasSubstr("at most 1.000 s wanted")));
  came.start_s = 0.3;
  came.recovery.mean = 6;
  EXPECT_THAT(misses(came, wanted), IsEmpty());
  came.recovery.mean = 6.01;
  EXPECT_THAT(misses(came, wanted), ElementsAre(HasSubstr("at most 6.000 s wanted")));
}

TEST(ChaosVerdict, DoesNotPassARunThatShowsNothing) {
  auto quiet = good();
  quiet.faults = 0;
  quiet.recovery = {};
  EXPECT_THAT(misses(quiet, {}), ElementsAre(HasSubstr("no fault")));
  auto idle = good();
  idle.asked = idle.completed = 0;
  EXPECT_THAT(misses(idle, {}), ElementsAre(HasSubstr("no task")));
}

}  // namespace
}  // namespace greenroom::runtime::chaos
