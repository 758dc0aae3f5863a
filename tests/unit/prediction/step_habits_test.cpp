#include "runtime/prediction/step_habits.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime {
namespace {

TEST(StepHabits, LearnHowLongAStepTakes) {
  step_habits habits;
  for (int i = 0; i < 1500; ++i) habits.follow(i % 2 == 0 ? 9 : 11, 0, 1);
  EXPECT_GT(habits.survival(4), 0.95);
  EXPECT_LT(habits.survival(25), 0.05);
  EXPECT_GT(habits.density(10), 20 * habits.density(60));
  EXPECT_LT(habits.given_up_s(), 7200);
}

TEST(StepHabits, ChancesAddUpWhateverWasLearnt) {
  step_habits habits;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t left = 0; left < 6; ++left) {
      for (const bool owed : {false, true}) {
        const step_chances chance = habits.chances(left, owed);
        EXPECT_NEAR(chance.ends + chance.goes_on, 1, 1e-12);
        double sum = chance.late;
        double passed = 1;
        for (std::size_t k = 0; k < left; ++k) {
          sum += chance.regular * passed;
          passed *= habits.missing();
        }
        EXPECT_LE(sum, 1 + 1e-9);
        if (left > 0) {
          EXPECT_NEAR(sum, chance.goes_on, 1e-9);
        }
      }
    }
    for (int i = 0; i < 200; ++i) habits.follow(10, static_cast<std::size_t>(round), 1);
  }
}

TEST(StepHabits, ExpectALateStepTheMoreTheMoreOftenItCame) {
  step_habits often;
  step_habits rarely;
  for (int i = 0; i < 100; ++i) {
    often.late(10, 1);
    rarely.lost(1);
  }
  EXPECT_GT(often.chances(2, true).late, 0.9);
  EXPECT_LT(rarely.chances(2, true).late, 0.1);
  EXPECT_EQ(often.chances(2, false).late, 0.0);
}

TEST(StepHabits, ThinkAnInstanceOverTheSoonerTheMoreStepsAreMissing) {
  step_habits complete;
  step_habits gappy;
  for (int i = 0; i < 300; ++i) {
    complete.follow(10, 0, 1);
    gappy.follow(10, i % 3 == 0 ? 1 : 0, 1);
    if (i % 3 == 0) gappy.lost(1);
  }
  EXPECT_GT(gappy.chances(1, false).ends, 5 * complete.chances(1, false).ends);
  // However complete they were, somebody breaks off some day.
  EXPECT_GT(complete.chances(5, false).ends, 0.0);
}

TEST(StepHabits, AreTheSameAfterTheyWereSavedAndRestored) {
  step_habits habits;
  for (int i = 0; i < 100; ++i) habits.follow(3 + i % 7, i % 5 == 0 ? 1 : 0, 1);
  state_writer to;
  habits.save(to);
  step_habits read;
  state_reader from(to.body());
  read.restore(from);
  ASSERT_FALSE(from.failed());
  EXPECT_NEAR(read.survival(5), habits.survival(5), 1e-12);
  EXPECT_EQ(read.missing(), habits.missing());
  EXPECT_EQ(read.given_up_s(), habits.given_up_s());
}

}  // namespace
}  // namespace greenroom::runtime
