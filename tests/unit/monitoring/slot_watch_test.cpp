// Who waits beside a slot that nobody uses.
#include "runtime/monitoring/slot_watch.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime::monitoring {
namespace {

using found = std::vector<std::size_t>;

// A residency of 2 s and a start of 1 s, and 3 s for those who look once a second.
constexpr double bound_s = 6;
constexpr slot_watch_limits one_slot{.slots = 1, .min_residency_s = 2};

slot_view waiting(double for_s) { return {.waiting_s = for_s, .memory_mb = 5, .start_s = 1}; }
slot_view idle() { return {.up = true, .idle = true, .memory_mb = 5, .start_s = 1}; }
slot_view busy() { return {.up = true, .memory_mb = 5, .start_s = 1}; }

TEST(SlotWatch, FindsWhoWaitsBesideAnIdleSlotForLongerThanTheBound) {
  slot_watch watch;
  const std::vector<slot_view> begin{waiting(0.1), idle()};
  EXPECT_EQ(watch.look(begin, one_slot, 100), found{});
  const std::vector<slot_view> before{waiting(bound_s - 0.001), idle()};
  EXPECT_EQ(watch.look(before, one_slot, 100 + bound_s), found{});
  const std::vector<slot_view> then{waiting(bound_s), idle()};
  EXPECT_EQ(watch.look(then, one_slot, 100 + bound_s), found{0});
}

TEST(SlotWatch, DoesNotBlameTheBusy) {
  slot_watch watch;
  const std::vector<slot_view> all{waiting(1000), busy()};
  for (double now = 100; now < 200; ++now) EXPECT_EQ(watch.look(all, one_slot, now), found{});
}

TEST(SlotWatch, CountsOnlyHowLongASlotHasBeenIdleWithoutABreak) {
  slot_watch watch;
  EXPECT_EQ(watch.look(std::vector{waiting(50), idle()}, one_slot, 100), found{});
  EXPECT_EQ(watch.look(std::vector{waiting(55), busy()}, one_slot, 105), found{});
  EXPECT_EQ(watch.look(std::vector{waiting(56), idle()}, one_slot, 106), found{});
  EXPECT_EQ(watch.look(std::vector{waiting(61), idle()}, one_slot, 111.9), found{});
  EXPECT_EQ(watch.look(std::vector{waiting(62), idle()}, one_slot, 112), found{0});
  watch.forget();
  EXPECT_EQ(watch.look(std::vector{waiting(63), idle()}, one_slot, 113), found{});
}

TEST(SlotWatch, FindsASlotThatNobodyHas) {
  slot_watch watch;
  const slot_watch_limits two{.slots = 2, .min_residency_s = 2};
  const std::vector<slot_view> all{waiting(1000), busy()};
  EXPECT_EQ(watch.look(all, two, 100), found{});
  EXPECT_EQ(watch.look(all, two, 100 + bound_s), found{0});
}

TEST(SlotWatch, KnowsWhoseMemoryDoesNotFit) {
  slot_watch watch;
  auto large = waiting(1000);
  large.memory_mb = 20;
  slot_watch_limits limits{.slots = 3, .memory_budget_mb = 22, .min_residency_s = 2};
  const std::vector<slot_view> all{large, idle(), busy()};
  EXPECT_EQ(watch.look(all, limits, 100), found{});
  EXPECT_EQ(watch.look(all, limits, 100 + bound_s), found{}) << "the busy one is in the way";
  limits.memory_budget_mb = 25;
  EXPECT_EQ(watch.look(all, limits, 100 + bound_s), found{0});
}

TEST(SlotWatch, LeavesTheLastSlotToOtherDepartments) {
  slot_watch watch;
  const slot_watch_limits two{.slots = 2, .min_residency_s = 2};
  auto other = waiting(0);
  other.department = 1;
  const std::vector<slot_view> all{waiting(1000), busy(), other};
  EXPECT_EQ(watch.look(all, two, 100), found{});
  EXPECT_EQ(watch.look(all, two, 200), found{});
}

}  // namespace
}  // namespace greenroom::runtime::monitoring
