#include "runtime/prediction/joint_instances.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>

namespace greenroom::runtime {
namespace {

/// A workflow of which step k is made by specialist k, and what the detector would tell it.
struct stage {
  explicit stage(std::size_t length) : joint(0, length) {}

  /// Step `k` at `now_s`; instances begin at `begins` a second, all else comes at `others`.
  void call(std::uint32_t k, double now_s, double others = 0.001, double begins = 0.01,
            std::uint64_t mark = 0) {
    joint.bring_to(now_s, habits);
    joint.close_silent(over);
    const std::array<std::uint32_t, 1> places = {k};
    joint.expect(places, begins, habits);
    joint.observe(others, most, mark, habits, over);
  }
  /// Expected number of instances that wait for step `next`.
  double waiting_for(std::uint32_t next) const {
    double sum = 0;
    for (std::uint64_t bits = joint.used(); bits != 0; bits &= bits - 1) {
      const auto& one = joint.instances()[static_cast<std::size_t>(std::countr_zero(bits))];
      if (one.next == next) sum += one.mass;
    }
    return sum;
  }

  step_habits habits;
  joint_instances joint;
  joint_instances::closed over;
  std::size_t most = 64;
};

TEST(JointInstances, TakesTwoThatInterleaveForTwo) {
  stage s(5);
  s.call(0, 0);
  s.call(0, 5);
  EXPECT_GT(s.waiting_for(1), 1.6);
  s.call(1, 20);
  s.call(1, 24);
  EXPECT_GT(s.waiting_for(2), 1.7);
  EXPECT_LT(s.waiting_for(1), 0.4);
}

TEST(JointInstances, GivesACallToOneInstanceAndNotToEachALittle) {
  stage s(4);
  s.call(0, 0);
  s.call(0, 5);
  s.call(1, 20);
  // One of the two went on, nobody knows which; the other still waits.
  EXPECT_NEAR(s.waiting_for(2), 1.0, 0.1);
  EXPECT_NEAR(s.waiting_for(1), 1.0, 0.25);
  // When the second goes on as well, none is left.
  s.call(1, 22);
  EXPECT_NEAR(s.waiting_for(2), 2.0, 0.25);
}

TEST(JointInstances, BelievesAnInstanceTheLessTheLongerItIsSilent) {
  stage s(4);
  for (int i = 0; i < 300; ++i) s.habits.follow(20, 0, 1);
  s.call(0, 0, 0.005, 0.01);
  double before = s.waiting_for(1);
  EXPECT_NEAR(before, 0.66, 0.03);
  for (const double now_s : {15.0, 25.0, 35.0}) {
    s.joint.bring_to(now_s, s.habits);
    EXPECT_LE(s.waiting_for(1), before);
    before = s.waiting_for(1);
  }
  s.joint.bring_to(500, s.habits);
  s.joint.close_silent(s.over);
  ASSERT_EQ(s.over.size(), 1U);
  EXPECT_LT(s.over[0].mass, 0.1) << "it was a foreign call that looked like a beginning";
  EXPECT_TRUE(s.joint.empty());
}

TEST(JointInstances, ClosesWhatIsCompleteAndKnowsThatItWas) {
  stage s(3);
  for (std::uint32_t k = 0; k < 3; ++k) s.call(k, 10.0 * k);
  s.joint.bring_to(20.001, s.habits);
  s.joint.close_silent(s.over);
  double complete = 0;
  for (const instance_state& one : s.over) complete += one.next == 3 ? one.mass : 0.0;
  EXPECT_GT(complete, 0.9);
}

TEST(JointInstances, FollowsAStepThatIsMissingAndOneThatComesLate) {
  step_habits learnt;
  for (int i = 0; i < 300; ++i) learnt.follow(1 + i % 40, i % 8 == 0 ? 1 : 0, 1);
  stage missing(5);
  missing.habits = learnt;
  missing.call(0, 0);
  missing.call(2, 20);
  EXPECT_GT(missing.waiting_for(3), 0.8);
  missing.call(3, 40);
  EXPECT_GT(missing.waiting_for(4), 0.8);

  stage late(5);
  late.habits = learnt;
  late.call(0, 0);
  late.call(2, 20);
  late.call(1, 40, 0.001, 0.01, 1);
  EXPECT_GT(late.joint.claims(1), 0.6);
  EXPECT_LT(late.waiting_for(2), 0.3) << "it belongs to the instance that passed it over";
  late.call(3, 60);
  EXPECT_GT(late.waiting_for(4), 0.8);
}

TEST(JointInstances, TakesACallBackWhenItWasAnothers) {
  constexpr std::uint64_t mark = 1;
  stage s(4);
  s.call(0, 0);
  s.call(1, 20, 0.02, 0.01, mark);
  const double believed = s.joint.claims(mark);
  EXPECT_GT(believed, 0.3);
  const double waited = s.waiting_for(1);
  // Later calls say that the other workflow made it, a hundred times as likely as was thought.
  s.joint.reconsider(mark, 100);
  EXPECT_LT(s.joint.claims(mark), 0.1);
  EXPECT_GT(s.waiting_for(1), waited + 0.2) << "so that the step is still to come";
  // And the other way round.
  s.joint.reconsider(mark, 1e-4);
  EXPECT_GT(s.joint.claims(mark), 0.9);
  s.joint.unmark(mark);
  EXPECT_EQ(s.joint.claims(mark), 0.0);
}

TEST(JointInstances, StaysWithinItsBoundsUnderAFlood) {
  stage s(6);
  s.most = 16;
  std::uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    s.call(static_cast<std::uint32_t>((state >> 33U) % 6), i * 1e-4, 1e-3, 50);
    ASSERT_LE(s.joint.hypotheses(), 16U);
    ASSERT_LE(s.joint.instances().size(), joint_instances::instances_max);
    for (std::uint32_t next = 1; next <= 6; ++next) ASSERT_TRUE(std::isfinite(s.waiting_for(next)));
    s.over.clear();
  }
}

}  // namespace
}  // namespace greenroom::runtime
