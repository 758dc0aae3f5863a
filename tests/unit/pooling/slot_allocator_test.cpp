// The decisions of a director, without an actor.
#include "runtime/pooling/slot_allocator.hpp"

#include "runtime/pooling/lru_policy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <span>
#include <vector>

namespace greenroom::runtime {
namespace {

using base::slot_event;

/// An allocator with `count` specialists of 5 MB in one department.
struct allocator_world {
  allocator_world(std::size_t count, pool_limits wanted, std::uint64_t last_lease = 0)
      : limits{wanted}, slots{*policy, last_lease}, all(count) {
    for (auto& one : all) one.memory_mb = 5;
    slots.adopt(limits, all);
  }
  std::vector<slot_order> orders() { return slots.take_orders(); }
  /// The only order since the last call.
  slot_order order() {
    const auto found = orders();
    EXPECT_EQ(found.size(), 1U);
    return found.empty() ? slot_order{} : found.front();
  }
  void review() {
    static_cast<void>(slots.review(
        3, [](specialist_index) { return 1; }, now_s));
  }
  void report(specialist_index who, slot_event what, std::uint64_t lease = 0) {
    slots.on_event(who, what, 0, lease, now_s);
  }
  /// Grants a slot to `who`, whose worker gets warm.
  std::uint64_t warm(specialist_index who) {
    slots.on_need(who, slots.last_lease(), now_s);
    const auto lease = order().lease;
    report(who, slot_event::warming, lease);
    report(who, slot_event::warm, lease);
    return lease;
  }
  void idle(specialist_index who) { slots.on_usage(who, 0, now_s, now_s); }

  std::unique_ptr<warm_policy> policy = make_lru_policy();
  pool_limits limits;
  slot_allocator slots;
  std::vector<slot_description> all;
  double now_s = 1000;
};

pool_limits two_slots() {
  pool_limits result;
  result.max_warm = 2;
  result.min_residency_s = 2;
  return result;
}

TEST(SlotAllocator, NumbersGrantsFromTheLastLeaseOfThePredecessor) {
  allocator_world world{2, two_slots(), 41};
  world.slots.on_need(0, 0, world.now_s);
  const auto first = world.order();
  EXPECT_EQ(first.what, slot_order::kind::grant);
  EXPECT_EQ(first.why, reason::demand);
  EXPECT_EQ(first.lease, 42U);
  world.slots.on_need(1, 0, world.now_s);
  EXPECT_EQ(world.order().lease, 43U);
  EXPECT_EQ(world.slots.last_lease(), 43U);
}

TEST(SlotAllocator, IgnoresAReportFromBeforeTheLastGrant) {
  allocator_world world{1, two_slots()};
  world.slots.on_need(0, 0, world.now_s);
  const auto lease = world.order().lease;
  world.report(0, slot_event::released, lease);
  world.slots.on_need(0, lease, world.now_s);
  const auto second = world.order().lease;
  ASSERT_EQ(second, lease + 1);
  world.report(0, slot_event::released, lease);
  EXPECT_TRUE(world.slots.holding_of(0).held);
  world.report(0, slot_event::released, second);
  EXPECT_FALSE(world.slots.holding_of(0).held);
}

TEST(SlotAllocator, RepeatsAGrantThatWasNotAnsweredAfterASecondAndNotBefore) {
  allocator_world world{1, two_slots()};
  world.slots.on_need(0, 0, world.now_s);
  const auto lease = world.order().lease;
  world.now_s += 0.999;
  world.review();
  EXPECT_TRUE(world.orders().empty());
  world.now_s += 0.001;
  world.review();
  EXPECT_EQ(world.order().lease, lease);
  world.report(0, slot_event::warming, lease);
  world.now_s += 5;
  world.review();
  EXPECT_TRUE(world.orders().empty());
}

TEST(SlotAllocator, ReservesASlotUntilTheEvictedProcessHasEnded) {
  auto limits = two_slots();
  limits.max_warm = 1;
  allocator_world world{2, limits};
  world.warm(0);
  world.idle(0);
  world.now_s += 3;
  world.slots.on_need(1, 0, world.now_s);
  const auto recall = world.order();
  EXPECT_EQ(recall.what, slot_order::kind::recall);
  EXPECT_EQ(recall.who, 0U);
  EXPECT_TRUE(world.slots.holding_of(1).reserved);
  world.report(0, slot_event::cooling);
  EXPECT_TRUE(world.orders().empty());
  world.report(0, slot_event::released);
  EXPECT_EQ(world.order().who, 1U);
  EXPECT_EQ(world.slots.ledger().held_count(), 1U);
  EXPECT_EQ(world.slots.take_tally().evictions, 1U);
}

TEST(SlotAllocator, TakesAPromiseBackWhenTheWorkerIsKept) {
  auto limits = two_slots();
  limits.max_warm = 1;
  allocator_world world{2, limits};
  world.warm(0);
  world.idle(0);
  world.now_s += 3;
  world.slots.on_need(1, 0, world.now_s);
  world.orders();
  world.report(0, slot_event::kept);
  EXPECT_FALSE(world.slots.holding_of(1).reserved);
  EXPECT_GT(world.slots.holding_of(1).waits_since_s, 0);
  EXPECT_EQ(world.slots.slot_of(0).state, worker_state::warm);
}

TEST(SlotAllocator, ForgetsGrantsThatANewDepartmentHasNotReceived) {
  allocator_world world{2, two_slots()};
  const auto lease = world.warm(0);
  world.slots.on_need(1, 0, world.now_s);
  world.orders();
  world.slots.department_joined(0, world.now_s);
  EXPECT_TRUE(world.slots.holding_of(0).held) << "this grant was answered";
  // The specialist still has a task, but only its department can ask for it again.
  EXPECT_FALSE(world.slots.holding_of(1).held);
  EXPECT_LT(lease, world.slots.holding_of(1).lease);
}

TEST(SlotAllocator, TriesAPinnedSpecialistThatCannotStartAgainLater) {
  allocator_world world{1, two_slots()};
  world.all[0].pinned = true;
  world.slots.adopt(world.limits, world.all);
  world.review();
  ASSERT_EQ(world.order().why, reason::pinned);
  for (const auto pause_s : {1.0, 2.0, 4.0}) {
    world.report(0, slot_event::warming, world.slots.last_lease());
    world.report(0, slot_event::failed, world.slots.last_lease());
    world.now_s += pause_s - 0.01;
    world.review();
    EXPECT_TRUE(world.orders().empty()) << pause_s;
    world.now_s += 0.02;
    world.review();
    EXPECT_EQ(world.orders().size(), 1U) << pause_s;
  }
}

TEST(SlotAllocator, CoolsByHandWhenTheLastTaskHasEnded) {
  allocator_world world{1, two_slots()};
  world.warm(0);
  world.slots.on_usage(0, 1, 0, world.now_s);
  world.slots.cool_by_hand(0, world.now_s);
  EXPECT_EQ(world.order().what, slot_order::kind::recall);
  world.report(0, slot_event::kept);
  world.now_s += 1;
  world.idle(0);
  EXPECT_EQ(world.order().why, reason::by_hand);
}

TEST(SlotAllocator, WarmsByHandAtOnceOrNotAtAll) {
  auto limits = two_slots();
  limits.max_warm = 1;
  allocator_world world{2, limits};
  world.warm(0);
  world.slots.on_usage(0, 1, 0, world.now_s);
  world.slots.warm_by_hand(1, world.now_s);
  EXPECT_TRUE(world.orders().empty());
  EXPECT_EQ(world.slots.holding_of(1).waits_since_s, 0) << "its next task begins to wait then";
  // A task that has not asked for the slot yet.
  world.slots.on_usage(1, 1, 0, world.now_s);
  world.report(0, slot_event::released);
  world.slots.on_batch_end(world.now_s);
  EXPECT_TRUE(world.orders().empty()) << "nothing waits for the slot";
}

/// A policy whose plan the test writes.
class written_policy final : public warm_policy {
public:
  void learn(specialist_index, const specialist_facts&) override {}
  void set_limits(const pool_limits&) override {}
  void observe_arrival(specialist_index, std::uint64_t, double) override {}
  void observe_idle(specialist_index, double) override {}
  room make_room(specialist_index, std::span<const slot_state>, double) override {
    return {true, {}};
  }
  plan review(std::span<const slot_state>, double) override { return wanted; }
  plan wanted;
};

struct planned_world {
  explicit planned_world(pool_limits limits, std::size_t count = 5) : slots{policy, 0} {
    all.resize(count);
    slots.adopt(limits, all);
    for (specialist_index who = 0; who < count; ++who)
      policy.wanted.warm.push_back({who, reason::predicted, 1});
  }
  bool review(std::size_t ahead_max = 10) {
    return slots.review(
        ahead_max, [](specialist_index) { return 1; }, now_s);
  }
  written_policy policy;
  slot_allocator slots;
  std::vector<slot_description> all;
  double now_s = 1000;
};

pool_limits many_slots() {
  pool_limits result;
  result.warming_concurrency = 2;
  result.cooldown_s = 45;
  return result;
}

TEST(PlannedStarts, RunNoMoreAtOnceThanTheConcurrencyAllows) {
  planned_world world{many_slots()};
  EXPECT_TRUE(world.review()) << "more starts are wanted";
  EXPECT_EQ(world.slots.take_orders().size(), 2U);
  world.slots.on_event(0, slot_event::warming, 0, 0, world.now_s);
  world.slots.on_event(0, slot_event::warm, 0, 0, world.now_s);
  EXPECT_TRUE(world.review());
  EXPECT_EQ(world.slots.take_orders().size(), 1U);
  EXPECT_EQ(world.slots.take_tally().prewarms, 3U);
}

TEST(PlannedStarts, OfCallablesNeedNoTurn) {
  planned_world world{many_slots()};
  for (auto& one : world.all) one.starts_at_once = true;
  world.slots.adopt(many_slots(), world.all);
  EXPECT_FALSE(world.review());
  EXPECT_EQ(world.slots.take_orders().size(), 5U);
}

TEST(PlannedStarts, AheadOfDemandAreBoundedInEachReview) {
  auto limits = many_slots();
  limits.warming_concurrency = 10;
  planned_world world{limits};
  EXPECT_TRUE(world.review(3));
  EXPECT_EQ(world.slots.take_orders().size(), 3U);
}

// The wish of an operator stands against a prediction for the cooldown.
TEST(PlannedStarts, LeaveASpecialistColdThatWasCooledByHand) {
  planned_world world{many_slots(), 1};
  world.slots.cool_by_hand(0, world.now_s);
  static_cast<void>(world.slots.take_review_due_s());
  EXPECT_FALSE(world.review());
  EXPECT_TRUE(world.slots.take_orders().empty());
  world.now_s += 44.9;
  EXPECT_FALSE(world.review());
  EXPECT_TRUE(world.slots.take_orders().empty());
  EXPECT_DOUBLE_EQ(world.slots.take_review_due_s(), 1045);
  world.now_s = 1045;
  EXPECT_FALSE(world.review());
  EXPECT_EQ(world.slots.take_orders().size(), 1U);
}

TEST(SlotTurns, EndForASpecialistThatHasWaitedForAWholeTurnAndNotBefore) {
  auto limits = two_slots();
  limits.max_warm = 1;
  limits.min_residency_s = 6;
  allocator_world world{2, limits};
  world.warm(0);
  world.slots.on_usage(0, 3, 0, world.now_s);
  world.slots.on_need(1, 0, world.now_s);
  world.now_s += 5.99;
  world.review();
  EXPECT_TRUE(world.orders().empty());
  world.now_s += 0.02;
  world.review();
  const auto recall = world.order();
  EXPECT_EQ(recall.who, 0U);
  EXPECT_TRUE(recall.turn) << "also while it is in use";
}

// Whatever is reported, the budget holds, and in the end every specialist that is needed is served.
TEST(SlotAllocator, HoldsTheBudgetAndServesEveryNeedInAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random{seed};
    constexpr std::size_t count = 6;
    allocator_world world{count, two_slots()};
    std::vector<bool> up(count, false), asked(count, false);
    std::vector<std::uint64_t> lease(count, 0);
    const auto carry_out = [&] {
      for (const auto& order : world.orders()) {
        const auto who = order.who;
        if (order.what == slot_order::kind::grant) {
          lease[who] = std::max(lease[who], order.lease);
          up[who] = true;
          world.report(who, slot_event::warming, lease[who]);
          world.report(who, slot_event::warm, lease[who]);
          asked[who] = false;
          world.idle(who);
        } else if (up[who] && random() % 4 == 0) {
          world.report(who, slot_event::kept, lease[who]);
          world.idle(who);
        } else if (up[who]) {
          up[who] = false;
          world.report(who, slot_event::cooling, lease[who]);
          world.report(who, slot_event::released, lease[who]);
        }
      }
      ASSERT_LE(world.slots.ledger().held_count(), 2U);
      ASSERT_LE(std::ranges::count(up, true), 2);
    };
    for (int step = 0; step < 100; ++step) {
      const auto who = static_cast<specialist_index>(random() % count);
      if (!up[who] && random() % 2 == 0) {
        asked[who] = true;
        world.slots.on_need(who, lease[who], world.now_s);
      }
      world.now_s += 0.1 * static_cast<double>(random() % 10);
      carry_out();
      if (HasFatalFailure()) return;
      world.review();
      carry_out();
      if (HasFatalFailure()) return;
    }
    for (int round = 0; round < 200 && std::ranges::count(asked, true) > 0; ++round) {
      world.now_s += 1;
      for (specialist_index who = 0; who < count; ++who)
        if (asked[who]) world.slots.on_need(who, lease[who], world.now_s);
      world.review();
      carry_out();
    }
    EXPECT_EQ(std::ranges::count(asked, true), 0);
  }
}

TEST(SlotLedger, GivesBackTheMemoryThatItTookHoweverItIsMeasuredMeanwhile) {
  slot_ledger ledger;
  ledger.resize(3);
  specialist_facts facts;
  facts.memory_mb = 5;
  ledger.hold(0, facts);
  ledger.hold(0, facts);
  EXPECT_EQ(ledger.held_count(), 1U);
  facts.memory_mb = 9;
  ledger.release(0);
  EXPECT_EQ(ledger.held_mb(), 0);
  ledger.hold(1, facts);
  ledger.remeasure(1, 20);
  EXPECT_EQ(ledger.held_mb(), 20);
  facts.pinned = true;
  ledger.hold(2, facts);
  EXPECT_EQ(ledger.held_count(), 1U) << "a pinned specialist is outside the budget";
  ledger.remeasure(2, 100);
  EXPECT_EQ(ledger.held_mb(), 20);
}

TEST(SlotLedger, HasRoomForOneSpecialistHoweverLargeItIs) {
  slot_ledger ledger;
  ledger.resize(2);
  pool_limits limits;
  limits.memory_budget_mb = 10;
  specialist_facts facts;
  facts.memory_mb = 50;
  EXPECT_TRUE(ledger.has_room_for(facts, limits));
  ledger.hold(0, facts);
  EXPECT_FALSE(ledger.has_room_for(facts, limits));
  facts.pinned = true;
  EXPECT_TRUE(ledger.has_room_for(facts, limits));
}

}  // namespace
}  // namespace greenroom::runtime
