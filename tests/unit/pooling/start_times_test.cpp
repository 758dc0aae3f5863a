#include "runtime/pooling/start_times.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace greenroom::runtime {
namespace {

/// Everybody is started so often, each time off by a factor of about e^`noise`.
start_times busy_machine(double noise, double slow_s, std::size_t starts) {
  start_times times;
  times.resize(40);
  std::mt19937 random(5);
  std::normal_distribution<double> off(0, noise);
  for (std::size_t i = 0; i < starts; ++i) {
    for (specialist_index who = 0; who < 30; ++who) {
      times.record_start(who, (who < 5 ? slow_s : 0.02) * std::exp(off(random)));
    }
  }
  return times;
}

TEST(StartTimes, AreUnknownUntilSomebodyWasStarted) {
  start_times times;
  times.resize(2);
  EXPECT_EQ(times.typical_s(), 0.0);
  EXPECT_EQ(times.expected_s(0, 1.5), 1.5);
  times.record_start(0, 0.25);
  EXPECT_NEAR(times.expected_s(0, 1.5), 0.25, 1e-9);
  EXPECT_NEAR(times.expected_s(1, 1.5), 0.25, 1e-9);  // Nothing says that it is different.
}

TEST(StartTimes, OfWorkersThatAreAlikeAreTheSameHoweverBusyTheMachineIs) {
  const start_times times = busy_machine(0.6, 0.02, 3);
  for (specialist_index who = 0; who < 40; ++who) {
    EXPECT_GT(times.expected_s(who, 1), 0.02 / 1.4) << who;
    EXPECT_LT(times.expected_s(who, 1), 0.02 * 1.4) << who;
  }
}

TEST(StartTimes, OfWorkersThatDifferAreTheirOwn) {
  const start_times times = busy_machine(0.3, 2.0, 4);
  for (specialist_index who = 0; who < 5; ++who) {
    EXPECT_GT(times.expected_s(who, 1), 1.2) << who;
    EXPECT_LT(times.expected_s(who, 1), 3.0) << who;
  }
  for (specialist_index who = 5; who < 30; ++who) EXPECT_LT(times.expected_s(who, 1), 0.04) << who;
}

TEST(StartTimes, FollowOneThatHasBecomeSlower) {
  start_times times = busy_machine(0.1, 0.5, 10);
  for (int i = 0; i < 30; ++i) times.record_start(12, 4.0);
  EXPECT_GT(times.expected_s(12, 1), 2.5);
  EXPECT_LT(times.expected_s(13, 1), 0.03);
}

TEST(StartTimes, OfNothingAreStillATime) {
  start_times times;
  times.resize(1);
  times.record_start(0, 0.0);
  EXPECT_GT(times.expected_s(0, 1), 0.0);
}

}  // namespace
}  // namespace greenroom::runtime
