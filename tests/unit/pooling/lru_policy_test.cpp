#include "runtime/pooling/lru_policy.hpp"

#include "tests/unit/pooling/start.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace greenroom::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<specialist_index> names_of(const std::vector<change>& changes) {
  std::vector<specialist_index> names;
  for (const change& one : changes) names.push_back(one.who);
  return names;
}

class LruPolicy : public ::testing::Test {
protected:
  void cast(std::size_t count) {
    slot_states.assign(count, {});
    for (specialist_index who = 0; who < count; ++who) policy->learn(who, {});
  }

  void warm(specialist_index who, double idle_since_s) {
    slot_states[who] = {worker_state::warm, 0, start_s - 1000, idle_since_s};
  }

  std::unique_ptr<warm_policy> policy = make_lru_policy();
  std::vector<slot_state> slot_states;
};

TEST_F(LruPolicy, EvictsNobodyWhileThereIsRoom) {
  cast(3);
  policy->set_limits({.max_warm = 2});
  warm(0, start_s - 10);
  const auto room = policy->make_room(1, slot_states, start_s);
  EXPECT_TRUE(room.fits);
  EXPECT_THAT(room.evict, IsEmpty());
}

TEST_F(LruPolicy, EvictsTheLongestIdleOne) {
  cast(4);
  policy->set_limits({.max_warm = 3});
  warm(0, start_s - 10);
  warm(1, start_s - 30);
  warm(2, start_s - 20);
  const auto room = policy->make_room(3, slot_states, start_s);
  EXPECT_TRUE(room.fits);
  EXPECT_THAT(names_of(room.evict), ElementsAre(1));
}

TEST_F(LruPolicy, EvictsALowerPriorityBeforeOneThatWasIdleForLonger) {
  cast(3);
  policy->learn(0, {.priority_weight = 2.0});
  policy->learn(1, {.priority_weight = 0.5});
  policy->set_limits({.max_warm = 2});
  warm(0, start_s - 40);
  warm(1, start_s - 5);
  EXPECT_THAT(names_of(policy->make_room(2, slot_states, start_s).evict), ElementsAre(1));
}

TEST_F(LruPolicy, NeverEvictsBusyPinnedWarmingOrYoungOnes) {
  cast(6);
  policy->learn(1, {.pinned = true});
  policy->set_limits({.max_warm = 3, .min_residency_s = 2});
  warm(0, start_s - 40);
  slot_states[0].tasks = 1;
  warm(1, start_s - 40);
  slot_states[2] = {worker_state::warming, 0, start_s - 40, start_s - 40};
  slot_states[3] = {worker_state::warm, 0, start_s - 1.999, start_s - 1.999};
  EXPECT_FALSE(policy->make_room(4, slot_states, start_s).fits);
  EXPECT_THAT(policy->make_room(4, slot_states, start_s).evict, IsEmpty());
  const auto room = policy->make_room(4, slot_states, start_s + 0.001);
  EXPECT_TRUE(room.fits);
  EXPECT_THAT(names_of(room.evict), ElementsAre(3));
}

TEST_F(LruPolicy, KeepsAPlaceForTwoStartsWhereNobodySaysHowLong) {
  cast(3);
  policy->learn(0, {.load_s = 0.02});
  policy->learn(1, {.load_s = 22});
  policy->set_limits({.max_warm = 1, .min_residency_s = automatic_residency});
  slot_states[0] = {worker_state::warm, 0, start_s, start_s};
  EXPECT_FALSE(policy->make_room(2, slot_states, start_s + 0.039).fits);
  EXPECT_TRUE(policy->make_room(2, slot_states, start_s + 0.041).fits);
  slot_states[0] = {};
  slot_states[1] = {worker_state::warm, 0, start_s, start_s};
  EXPECT_FALSE(policy->make_room(2, slot_states, start_s + 1.999).fits);
  EXPECT_TRUE(policy->make_room(2, slot_states, start_s + 2.001).fits);
}

TEST_F(LruPolicy, CountsNeitherPinnedNorCoolingOnesAgainstTheLimits) {
  cast(3);
  policy->learn(0, {.pinned = true, .memory_mb = 100});
  policy->set_limits({.max_warm = 1, .memory_budget_mb = 10});
  warm(0, start_s);
  slot_states[1] = {worker_state::cooling, 0, start_s, start_s};
  EXPECT_TRUE(policy->make_room(2, slot_states, start_s).fits);
  // A warm one without a pin that is in use does count.
  slot_states[1] = {worker_state::warm, 1, start_s, start_s};
  EXPECT_FALSE(policy->make_room(2, slot_states, start_s).fits);
}

TEST_F(LruPolicy, APinnedOneAlwaysFits) {
  cast(2);
  policy->learn(1, {.pinned = true});
  policy->set_limits({.max_warm = 1});
  warm(0, start_s);
  slot_states[0].tasks = 3;
  EXPECT_TRUE(policy->make_room(1, slot_states, start_s).fits);
  policy->learn(1, {.pinned = false});
  EXPECT_FALSE(policy->make_room(1, slot_states, start_s).fits);
}

TEST_F(LruPolicy, EvictsUntilTheMemoryFits) {
  cast(4);
  for (specialist_index who = 0; who < 3; ++who) policy->learn(who, {.memory_mb = 20});
  policy->learn(3, {.memory_mb = 50});
  policy->set_limits({.max_warm = 10, .memory_budget_mb = 70});
  warm(0, start_s - 30);
  warm(1, start_s - 20);
  warm(2, start_s - 10);
  EXPECT_THAT(names_of(policy->make_room(3, slot_states, start_s).evict), ElementsAre(0, 1));
}

TEST_F(LruPolicy, SparesTheSmallOnesThatALargeOneMadeUnnecessary) {
  cast(3);
  policy->learn(0, {.memory_mb = 1});
  policy->learn(1, {.memory_mb = 60});
  policy->learn(2, {.memory_mb = 50});
  policy->set_limits({.max_warm = 10, .memory_budget_mb = 61});
  warm(0, start_s - 30);
  warm(1, start_s - 20);
  EXPECT_THAT(names_of(policy->make_room(2, slot_states, start_s).evict), ElementsAre(1));
}

TEST_F(LruPolicy, EvictsNobodyForOneThatCanNeverFit) {
  cast(2);
  policy->learn(1, {.memory_mb = 500});
  policy->set_limits({.max_warm = 10, .memory_budget_mb = 70});
  warm(0, start_s - 30);
  const auto room = policy->make_room(1, slot_states, start_s);
  EXPECT_FALSE(room.fits);
  EXPECT_THAT(room.evict, IsEmpty());
}

TEST_F(LruPolicy, LetsOneThatIsLargerThanTheBudgetRunAlone) {
  cast(2);
  policy->learn(1, {.memory_mb = 500});
  policy->set_limits({.max_warm = 10, .memory_budget_mb = 70});
  EXPECT_TRUE(policy->make_room(1, slot_states, start_s).fits);
  warm(0, start_s);
  EXPECT_FALSE(policy->make_room(1, slot_states, start_s).fits) << "it would not be alone";
}

TEST_F(LruPolicy, CoolsExactlyWhenTheCooldownHasPassed) {
  cast(2);
  policy->set_limits({.cooldown_s = 45});
  warm(0, start_s);
  auto plan = policy->review(slot_states, start_s + 44.75);
  EXPECT_THAT(plan.cool, IsEmpty());
  EXPECT_DOUBLE_EQ(plan.next_review_s, start_s + 45);
  plan = policy->review(slot_states, plan.next_review_s);
  EXPECT_THAT(names_of(plan.cool), ElementsAre(0));
  EXPECT_EQ(plan.cool[0].why, reason::cooldown);
  EXPECT_EQ(plan.next_review_s, never_s);
}

TEST_F(LruPolicy, NeverCoolsABusyOneHoweverLongAgoItWasIdle) {
  cast(1);
  policy->set_limits({.cooldown_s = 45});
  warm(0, start_s - 500);
  slot_states[0].tasks = 1;
  EXPECT_THAT(policy->review(slot_states, start_s).cool, IsEmpty());
  slot_states[0].tasks = 0;
  EXPECT_THAT(names_of(policy->review(slot_states, start_s).cool), ElementsAre(0));
}

TEST_F(LruPolicy, StartsTheIdleClockOfAnUnusedOneWhenItGotWarm) {
  cast(1);
  policy->set_limits({.cooldown_s = 45});
  slot_states[0] = {worker_state::warm, 0, start_s, 0};
  EXPECT_THAT(policy->review(slot_states, start_s + 44).cool, IsEmpty());
  EXPECT_THAT(names_of(policy->review(slot_states, start_s + 45).cool), ElementsAre(0));
}

TEST_F(LruPolicy, WarmsPinsThatAreColdAndLeavesOthersAlone) {
  cast(3);
  policy->learn(1, {.pinned = true});
  const auto plan = policy->review(slot_states, start_s);
  EXPECT_THAT(names_of(plan.warm), ElementsAre(1));
  EXPECT_EQ(plan.warm[0].why, reason::pinned);
}

TEST_F(LruPolicy, ShedsTheLongestIdleWhenTheLimitWasLowered) {
  cast(3);
  policy->set_limits({.max_warm = 1});
  warm(0, start_s - 10);
  warm(1, start_s - 30);
  warm(2, start_s - 20);
  const auto plan = policy->review(slot_states, start_s);
  EXPECT_THAT(names_of(plan.cool), ElementsAre(1, 2));
  EXPECT_EQ(plan.cool[0].why, reason::evicted);
}

TEST_F(LruPolicy, ShedsForMemoryWhenAWorkerHasGrown) {
  cast(2);
  policy->set_limits({.max_warm = 5, .memory_budget_mb = 50});
  warm(0, start_s - 10);
  warm(1, start_s - 5);
  EXPECT_THAT(policy->review(slot_states, start_s).cool, IsEmpty());
  policy->learn(1, {.memory_mb = 48});
  const auto plan = policy->review(slot_states, start_s);
  EXPECT_THAT(names_of(plan.cool), ElementsAre(0));
  EXPECT_EQ(plan.cool[0].why, reason::memory);
}

TEST_F(LruPolicy, LooksAgainWhenAnExceedingOneMayGo) {
  cast(1);
  policy->set_limits({.max_warm = 0, .min_residency_s = 2});
  slot_states[0] = {worker_state::warm, 0, start_s, start_s};
  const auto plan = policy->review(slot_states, start_s + 1);
  EXPECT_THAT(plan.cool, IsEmpty());
  EXPECT_DOUBLE_EQ(plan.next_review_s, start_s + 2);
}

}  // namespace
}  // namespace greenroom::runtime
