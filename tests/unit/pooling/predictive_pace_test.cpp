#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "runtime/pooling/predictive_policy.hpp"
#include "runtime/simulation/warm_policy_run.hpp"
#include "tests/unit/pooling/start.hpp"

namespace greenroom::runtime {
namespace {

/// Sessions that walk along a ring of specialists and sometimes jump, one after the other.
trace wandering(double unit) {
  trace made;
  for (int i = 0; i < 40; ++i) made.specialists.push_back("s" + std::to_string(i));
  std::mt19937 random(11);
  double now_s = 0;
  specialist_index who = 0;
  for (int i = 0; i < 4000; ++i) {
    now_s += 0.5 + static_cast<double>(random() % 64) / 16;
    who = random() % 4 == 0 ? static_cast<specialist_index>(random() % 40) : (who + 1) % 10;
    made.requests.push_back(
        {now_s * unit, 0.125 * unit, 1 + static_cast<std::uint64_t>(i) / 12, who});
  }
  return made;
}

simulation_result run_at(double unit, double cooldown_s, std::size_t slots) {
  const trace traffic = wandering(unit);
  const workload work{&traffic, 0.5 * unit, traffic.requests.back().time_s};
  warm_policy_run how;
  how.limits.max_warm = slots;
  how.limits.cooldown_s = cooldown_s;
  how.limits.min_residency_s = 2 * unit;
  how.limits.adaptive = false;
  how.review_every_s = unit;
  predictive_policy policy;
  return run_warm_policy(work, policy, how);
}

TEST(Pace, MakesTrafficSixteenTimesAsFastTheSameAtASixteenthOfTheCooldown) {
  const auto usual = run_at(1, 45, 8);
  const auto fast = run_at(1.0 / 16, 45.0 / 16, 8);
  EXPECT_NEAR(fast.cold_ratio, usual.cold_ratio, 0.02 * usual.cold_ratio);
  EXPECT_NEAR(fast.memory_ratio, usual.memory_ratio, 0.02 * usual.memory_ratio);
}

TEST(Pace, LeavesALongCooldownItsConstants) {
  EXPECT_EQ(pace::unit_of(45), 1.0);
  EXPECT_EQ(pace::unit_of(3600), 1.0);
  EXPECT_EQ(pace::unit_of(never_s), 1.0);
  EXPECT_EQ(pace::unit_of(4.5), 0.1);
  EXPECT_EQ(pace::unit_of(0), pace::unit_least);
}

TEST(Pace, GoesOnWithoutAJumpWhenItChanges) {
  pace clock;
  clock.change(0.1, 1000);
  EXPECT_DOUBLE_EQ(clock.own(1000), 1000);
  EXPECT_DOUBLE_EQ(clock.own(1001), 1010);
  clock.change(0.5, 1002);
  EXPECT_DOUBLE_EQ(clock.own(1002), 1020);
  EXPECT_DOUBLE_EQ(clock.own(1003), 1022);
  EXPECT_DOUBLE_EQ(clock.clock(clock.own(1234.5)), 1234.5);
}

TEST(Pace, OfAnotherCooldownIsTakenUpByWhatWasLearntAtTheOldOne) {
  const std::vector<std::string> names{"a", "b"};
  pool_limits limits;
  predictive_policy before;
  predictive_policy after;
  for (predictive_policy* one : {&before, &after}) {
    for (specialist_index who = 0; who < 2; ++who) one->learn(who, {.load_s = 0.1});
  }
  limits.cooldown_s = 45;
  before.set_limits(limits);
  limits.cooldown_s = 4.5;
  after.set_limits(limits);
  std::vector<slot_state> slot_states(2);
  double now_s = start_s;
  for (int i = 0; i < 400; ++i, now_s += 10) {
    before.observe_arrival(0, 0, now_s);
    before.observe_idle(0, now_s);
    before.review(slot_states, now_s + 1);
  }
  ASSERT_TRUE(after.restore(before.save(names), names));
  const auto then = before.rank(1, now_s);
  const auto now = after.rank(1, now_s);
  ASSERT_EQ(now.size(), 1U);
  // It was lived ten times as slowly, so ten times as much is expected of the new pace.
  EXPECT_GT(now[0].rate, then[0].rate);
  EXPECT_TRUE(std::isfinite(now[0].rate));
  limits.cooldown_s = 9;
  after.set_limits(limits);  // And while it is running.
  EXPECT_FALSE(after.rank(1, now_s + 1).empty());
}

/// Two slots that are taken, and a task for a third specialist.
struct scarce_world {
  explicit scarce_world(double load_s) {
    limits.max_warm = 2;
    limits.min_residency_s = 2;
    limits.adaptive = false;
    for (specialist_index who = 0; who < 4; ++who) policy.learn(who, {.load_s = load_s});
    policy.set_limits(limits);
  }
  void visit(specialist_index who) {
    policy.observe_arrival(who, 0, now_s);
    policy.observe_idle(who, now_s);
  }
  /// Number 0 comes every second, 1 every 40 seconds.
  void live(int seconds) {
    for (int i = 0; i < seconds; ++i, now_s += 1) {
      visit(0);
      if (i % 40 == 0) visit(1);
      policy.review(slot_states, now_s);
    }
  }

  pool_limits limits;
  predictive_policy policy;
  std::vector<slot_state> slot_states = std::vector<slot_state>(4);
  double now_s = start_s;
};

// However little the young ones are wanted, and however quickly they were started.
TEST(Residency, HoldsForWhomNobodyIsExpectedToAsk) {
  for (const double load_s : {0.02, 1.0}) {
    scarce_world w(load_s);
    w.live(400);
    w.visit(1);
    w.slot_states[0] = {worker_state::warm, 0, w.now_s, w.now_s};
    w.slot_states[1] = {worker_state::warm, 0, w.now_s, w.now_s};
    w.policy.observe_arrival(2, 0, w.now_s);
    for (double later_s = 0; later_s < 1.9; later_s += 0.05) {
      EXPECT_FALSE(w.policy.make_room(2, w.slot_states, w.now_s + later_s).fits) << later_s;
    }
    const auto room = w.policy.make_room(2, w.slot_states, w.now_s + 2.0);
    ASSERT_TRUE(room.fits);
    ASSERT_EQ(room.evict.size(), 1U);
    EXPECT_EQ(room.evict[0].who, 1U);
  }
}

TEST(Residency, HoldsForOneThatWasPrewarmedAndNeverAsked) {
  scarce_world w(0.02);
  w.live(400);
  // Number 3 was started ahead of a task that has not come, and number 0 is at work.
  w.slot_states[0] = {worker_state::warm, 1, w.now_s - 9, w.now_s - 9};
  w.slot_states[3] = {worker_state::warm, 0, w.now_s, w.now_s};
  w.policy.observe_arrival(0, 0, w.now_s);
  w.policy.observe_arrival(2, 0, w.now_s);
  EXPECT_FALSE(w.policy.make_room(2, w.slot_states, w.now_s + 1.99).fits);
  const auto room = w.policy.make_room(2, w.slot_states, w.now_s + 2.0);
  ASSERT_TRUE(room.fits);
  EXPECT_EQ(room.evict[0].who, 3U);
}

TEST(Residency, HoldsAgainstAPrewarmForAnotherOne) {
  scarce_world w(0.5);
  w.live(400);
  w.slot_states[0] = {worker_state::warm, 0, w.now_s, w.now_s};
  w.slot_states[1] = {worker_state::warm, 0, w.now_s, w.now_s};
  w.visit(2);
  for (double later_s = 0.1; later_s < 2.0; later_s += 0.1) {
    w.policy.expect(2, 0.99, 1.0, reason::workflow, w.now_s + later_s);
    const plan wanted = w.policy.review(w.slot_states, w.now_s + later_s);
    EXPECT_TRUE(wanted.cool.empty()) << later_s;
    EXPECT_TRUE(wanted.warm.empty()) << later_s;
  }
  w.policy.expect(2, 0.99, 1.0, reason::workflow, w.now_s + 2.0);
  const plan wanted = w.policy.review(w.slot_states, w.now_s + 2.1);
  ASSERT_EQ(wanted.warm.size(), 1U);
  EXPECT_EQ(wanted.warm[0].who, 2U);
}

TEST(Residency, HoldsWhileNothingIsLearnt) {
  scarce_world w(0.01);
  w.visit(0);
  w.visit(1);
  w.slot_states[0] = {worker_state::warm, 0, w.now_s, w.now_s};
  w.slot_states[1] = {worker_state::warm, 0, w.now_s, w.now_s};
  w.policy.observe_arrival(2, 0, w.now_s);
  EXPECT_FALSE(w.policy.make_room(2, w.slot_states, w.now_s + 1.9).fits);
  EXPECT_TRUE(w.policy.make_room(2, w.slot_states, w.now_s + 2.0).fits);
}

/// Hands everything on, and looks whether a place was taken from somebody young.
class residency_watch final : public warm_policy {
public:
  residency_watch(warm_policy& watched, double min_s) : watched_(watched), min_s_(min_s) {}
  void learn(specialist_index who, const specialist_facts& facts) override {
    watched_.learn(who, facts);
  }
  void set_limits(const pool_limits& limits) override { watched_.set_limits(limits); }
  void observe_arrival(specialist_index who, std::uint64_t case_key, double now_s) override {
    watched_.observe_arrival(who, case_key, now_s);
  }
  void observe_idle(specialist_index who, double now_s) override {
    watched_.observe_idle(who, now_s);
  }
  room make_room(specialist_index who, std::span<const slot_state> slot_states,
                 double now_s) override {
    room answer = watched_.make_room(who, slot_states, now_s);
    look(answer.evict, slot_states, now_s);
    return answer;
  }
  plan review(std::span<const slot_state> slot_states, double now_s) override {
    plan answer = watched_.review(slot_states, now_s);
    look(answer.cool, slot_states, now_s);
    return answer;
  }
  std::size_t moved = 0;
  std::size_t young = 0;

private:
  void look(std::span<const change> gone, std::span<const slot_state> slot_states, double now_s) {
    for (const change& one : gone) {
      ++moved;
      if (now_s - slot_states[one.who].since_s < min_s_ - 1e-6) ++young;
    }
  }
  warm_policy& watched_;
  double min_s_;
};

TEST(Residency, HoldsThroughoutADayOfTooFewSlots) {
  const trace traffic = wandering(1);
  const workload work{&traffic, 0.5, traffic.requests.back().time_s};
  warm_policy_run how;
  how.limits.max_warm = 8;
  how.limits.min_residency_s = 4;
  how.review_every_s = 0.25;
  predictive_policy policy;
  residency_watch watch{policy, how.limits.min_residency_s};
  run_warm_policy(work, watch, how);
  EXPECT_GT(watch.moved, 500U);
  EXPECT_EQ(watch.young, 0U);
}

TEST(Scarcity, KeepsAPlaceThatCostsNothingElseBeforeAnythingIsLearnt) {
  predictive_options options;
  options.fill_slots = true;
  predictive_policy policy{options};
  pool_limits limits;
  limits.max_warm = 2;
  for (specialist_index who = 0; who < 4; ++who) policy.learn(who, {});
  policy.set_limits(limits);
  std::vector<slot_state> slot_states(4);
  slot_states[0] = {worker_state::warm, 0, start_s, start_s};
  policy.observe_arrival(0, 0, start_s);
  policy.observe_idle(0, start_s);
  // Long after the cooldown nobody wants its place, so a task for it must still find it warm.
  for (double later_s = 1; later_s < 4000; later_s += 20) {
    EXPECT_TRUE(policy.review(slot_states, start_s + later_s).cool.empty()) << later_s;
  }
}

TEST(Scarcity, KeepsTheIdleUntilAnotherOneWantsTheirPlace) {
  scarce_world w(0.5);
  w.live(200);
  w.visit(1);
  w.slot_states[0] = {worker_state::warm, 0, w.now_s - 9, w.now_s};
  w.slot_states[1] = {worker_state::warm, 0, w.now_s - 9, w.now_s};
  w.policy.observe_arrival(2, 0, w.now_s);
  const auto room = w.policy.make_room(2, w.slot_states, w.now_s);
  ASSERT_TRUE(room.fits);
  w.policy.observe_idle(2, w.now_s);
  // The one that was left is not given up for being idle while places are scarce, …
  const specialist_index kept = room.evict[0].who == 0 ? 1 : 0;
  w.slot_states[room.evict[0].who] = {};
  w.slot_states[2] = {worker_state::warm, 0, w.now_s, w.now_s};
  const double scarce_until_s = w.now_s + 20 * w.limits.cooldown_s;
  for (; w.now_s < scarce_until_s - 20; w.now_s += 5) {
    for (const change& one : w.policy.review(w.slot_states, w.now_s).cool) {
      ASSERT_NE(one.why, reason::cooldown);
      w.slot_states[one.who] = {};
    }
  }
  // … and is when nobody has wanted a place for long.
  bool cooled = false;
  for (; w.now_s < scarce_until_s + 40'000 && !cooled; w.now_s += 5) {
    for (const change& one : w.policy.review(w.slot_states, w.now_s).cool) {
      cooled = cooled || one.who == kept;
      w.slot_states[one.who] = {};
    }
  }
  EXPECT_TRUE(cooled);
}

}  // namespace
}  // namespace greenroom::runtime
