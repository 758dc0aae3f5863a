#include "runtime/pooling/frequency_trust.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace greenroom::runtime {
namespace {

/// Visits of no length, one a second, under a cap on slots.
class visits {
public:
  visits(std::size_t cast, std::size_t slots) : facts_(cast), slot_states_(cast) {
    limits_.max_warm = slots;
    for (specialist_index who = 0; who < slots; ++who) slot_states_[who].state = worker_state::warm;
    trust.wake(slot_states_, facts_, [](specialist_index) { return frequency_trust::usage{}; });
  }

  void of(specialist_index who) {
    now_s_ += 1;
    trust.visit(who, limits_, facts_);
    trust.end(who, now_s_);
  }

  frequency_trust trust;

private:
  std::vector<specialist_facts> facts_;
  std::vector<slot_state> slot_states_;
  pool_limits limits_;
  double now_s_ = 0;
};

specialist_index any_of_six(std::mt19937& random) {
  return static_cast<specialist_index>(random() % 6);
}

TEST(FrequencyTrust, GrowsWhereThePopularStayPopular) {
  visits seen(40, 8);
  std::mt19937 random(3);
  for (int i = 0; i < 4000; ++i) {
    // Six share half of the visits, the other thirty-four come by in turn.
    seen.of(i % 2 == 0 ? any_of_six(random) : 6 + static_cast<specialist_index>(i / 2 % 34));
  }
  EXPECT_EQ(seen.trust.value(), 1.0);
}

TEST(FrequencyTrust, GoesWherePopularityDriftsAndComesBackWithIt) {
  visits seen(40, 8);
  std::mt19937 random(3);
  // Every thousand visits six others are the popular ones.
  for (int i = 0; i < 6000; ++i) {
    seen.of(static_cast<specialist_index>(i / 1000 * 6) + any_of_six(random));
  }
  EXPECT_EQ(seen.trust.value(), 0.0);
  for (int i = 0; i < 20'000; ++i) {
    seen.of(i % 2 == 0 ? any_of_six(random) : 6 + static_cast<specialist_index>(i / 2 % 34));
  }
  EXPECT_EQ(seen.trust.value(), 1.0);
}

TEST(FrequencyTrust, IsGivenAtFirstAndStaysWhereTheRulesDoNotDiffer) {
  visits seen(40, 8);
  EXPECT_EQ(seen.trust.value(), 1.0);
  for (int i = 0; i < 1000; ++i) seen.of(static_cast<specialist_index>(i % 8));
  EXPECT_EQ(seen.trust.value(), 1.0);
}

TEST(FrequencyTrust, SaysTheSameAboutTheSameVisitsThoughItSamples) {
  visits one(2000, 400);
  visits two(2000, 400);
  std::mt19937 random(9);
  for (int i = 0; i < 20'000; ++i) {
    // The popular ones move on slowly.
    const std::uint64_t rank = (random() % 45) * (random() % 45);
    const auto who =
        static_cast<specialist_index>((rank + static_cast<std::size_t>(i) / 40) % 2000);
    one.of(who);
    two.of(who);
  }
  EXPECT_EQ(one.trust.value(), two.trust.value());
  EXPECT_GT(one.trust.value(), 0.0);
  EXPECT_LT(one.trust.value(), 1.0);
}

TEST(FrequencyTrust, NeverLetsABusyOneGo) {
  std::vector<specialist_facts> facts(3);
  std::vector<slot_state> slot_states(3);
  pool_limits limits;
  limits.max_warm = 2;
  frequency_trust trust;
  trust.wake(slot_states, facts, [](specialist_index) { return frequency_trust::usage{}; });
  for (int i = 0; i < 3; ++i) {
    trust.visit(1, limits, facts);
    trust.end(1, 1.0 + i);
  }
  trust.visit(0, limits, facts);
  trust.end(0, 10.0);
  // LFU would give 0 up and LRU would not, were it not busy: both keep it.
  trust.visit(0, limits, facts);
  trust.visit(2, limits, facts);
  trust.end(0, 20.0);
  trust.visit(0, limits, facts);
  EXPECT_EQ(trust.value(), 1.0);
}

TEST(FrequencyTrust, CountsMegabytesWhereTheseAreTheCap) {
  std::vector<specialist_facts> facts(4);
  facts[3].memory_mb = 10;
  std::vector<slot_state> slot_states(4);
  pool_limits limits;
  limits.max_warm = 4;
  limits.memory_budget_mb = 10;
  frequency_trust trust;
  trust.wake(slot_states, facts, [](specialist_index) { return frequency_trust::usage{}; });
  double now_s = 0;
  const auto visit = [&](specialist_index who) {
    trust.visit(who, limits, facts);
    trust.end(who, ++now_s);
  };
  // 0, asked for twice, and 1 fit; 2 takes the place of the one that each rule wants least: LRU
  // gives up 0 and LFU 1.
  for (const specialist_index who : {0U, 0U, 1U, 2U}) visit(who);
  EXPECT_EQ(trust.value(), 1.0);
  visit(1);
  EXPECT_LT(trust.value(), 1.0);
  // The large one fills the budget: both have given up all others, and miss them together.
  const double before = trust.value();
  visit(3);
  visit(1);
  EXPECT_EQ(trust.value(), before);
}

}  // namespace
}  // namespace greenroom::runtime
