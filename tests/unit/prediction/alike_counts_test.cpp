#include "runtime/prediction/alike_counts.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime {
namespace {

TEST(AlikeCounts, DrawARareOneTowardsAllTheMoreTheMoreAlikeTheyAre) {
  alike_counts alike(100, 0);
  alike_counts different(100, 0);
  for (std::size_t i = 0; i < 100; ++i) {
    alike.add(i, i % 2 == 0 ? 9 : 11);
    different.add(i, i % 10 == 0 ? 91 : 1);
  }
  alike.add(0, -9);
  EXPECT_GT(alike.expect(0, 1), 8.5) << "none came, but ten come of each of its like";
  EXPECT_LT(alike.expect(0, 1), 10.0);
  EXPECT_LT(different.expect(1, 1), 3.0) << "its like tell nothing";
  EXPECT_NEAR(different.expect(0, 1), 91, 12);
}

TEST(AlikeCounts, ExpectTheSameWhenTheUnitGrew) {
  alike_counts counts(3, 1);
  counts.add(0, 40);
  counts.add(1, 7);
  const double before = counts.expect(1, 4.0);
  counts.divide(4.0);
  EXPECT_NEAR(counts.expect(1, 1.0), before, 1e-12);
}

TEST(AlikeCounts, AreNeverExpectedToBeNothing) {
  alike_counts counts(5, 0.5);
  counts.add(2, -3);
  EXPECT_GT(counts.expect(2, 1), 0.0);
  EXPECT_EQ(counts.at(2), 0.0);
  counts.grow(9);
  EXPECT_EQ(counts.size(), 9U);
  EXPECT_GT(counts.expect(8, 1), 0.0);
}

TEST(AlikeCounts, AreTheSameAfterTheyWereSavedAndRestored) {
  alike_counts counts(4, 0.5);
  counts.add(1, 30);
  state_writer to;
  counts.save(to, 2.0);
  alike_counts read(4, 0);
  state_reader from(to.body());
  read.restore(from);
  ASSERT_FALSE(from.failed());
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(read.expect(i, 1), counts.expect(i, 2), 1e-12);
}

}  // namespace
}  // namespace greenroom::runtime
