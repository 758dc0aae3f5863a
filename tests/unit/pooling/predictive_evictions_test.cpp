// Evictions of the predictive policy when slots are scarce.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "runtime/pooling/predictive_policy.hpp"
#include "tests/unit/pooling/start.hpp"

namespace greenroom::runtime {
namespace {

/// Two slots for three specialists: a timer, one with random calls every other minute, and a third
/// one that needs a slot. A start takes 10 s. The timer has fired a hundred times when a test
/// begins, and fires next `timer_s` after that.
class two_slots {
public:
  static constexpr specialist_index timer = 0, often = 1, third = 2;
  static constexpr double timer_s = 100;

  two_slots() : policy_({.fill_slots = true}) {
    for (specialist_index who = 0; who < 3; ++who) policy_.learn(who, {.load_s = 10.0});
    pool_limits limits;
    limits.max_warm = 2;
    limits.adaptive = false;
    limits.min_residency_s = 0;
    policy_.set_limits(limits);
    std::mt19937 chance{8};
    std::exponential_distribution<double> gap{1.0 / 120};
    double next_s = gap(chance);
    for (int fired = 0; fired < 100; ++fired) {
      visit(timer, fired * timer_s);
      for (; next_s < (fired + 1) * timer_s; next_s += gap(chance)) visit(often, next_s);
    }
    fires_s_ = 100 * timer_s;
  }

  void visit(specialist_index who, double at_s) {
    policy_.observe_arrival(who, 0, start_s + at_s);
    policy_.observe_idle(who, start_s + at_s);
  }
  void is(specialist_index who, worker_state state, double to_fire_s) {
    slot_states_[who] = {state, 0, at(to_fire_s), at(to_fire_s)};
  }
  /// The specialists that are evicted for the third one, so long before the timer fires.
  std::vector<specialist_index> evicted(double to_fire_s) {
    policy_.observe_arrival(third, 0, at(to_fire_s));
    std::vector<specialist_index> who;
    for (const change& one : policy_.make_room(third, slot_states_, at(to_fire_s)).evict)
      who.push_back(one.who);
    return who;
  }
  /// Whether the timer's start is asked for in one of the reviews of these seconds.
  bool prewarmed(double from_s, double to_s) {
    bool asked = false;
    for (double to_fire_s = from_s; to_fire_s >= to_s && !asked; to_fire_s -= 1.0)
      for (const change& one : policy_.review(slot_states_, at(to_fire_s)).warm)
        asked = asked || one.who == timer;
    return asked;
  }

private:
  double at(double to_fire_s) const { return start_s + fires_s_ - to_fire_s; }

  predictive_policy policy_;
  std::vector<slot_state> slot_states_ = std::vector<slot_state>(3);
  double fires_s_ = 0;
};

TEST(PredictiveEvictions, SpareASpecialistThatWasJustPrewarmed) {
  two_slots w;
  w.is(two_slots::often, worker_state::warm, 60);
  ASSERT_TRUE(w.prewarmed(20, 12));
  w.is(two_slots::timer, worker_state::warm, 5);
  EXPECT_THAT(w.evicted(4), testing::ElementsAre(two_slots::often));
}

TEST(PredictiveEvictions, AreFollowedByTheNextPrewarmOfTheEvicted) {
  two_slots w;
  w.is(two_slots::often, worker_state::warm, 60);
  w.is(two_slots::timer, worker_state::warm, 60);
  w.prewarmed(60, 16);  // Reviews it while it is warm.
  ASSERT_THAT(w.evicted(15.5), testing::ElementsAre(two_slots::timer));
  w.is(two_slots::timer, worker_state::cold, 15.5);
  w.is(two_slots::third, worker_state::warm, 15.5);
  EXPECT_TRUE(w.prewarmed(15, 12));
}

}  // namespace
}  // namespace greenroom::runtime
