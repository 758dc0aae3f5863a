#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "runtime/pooling/gap_table.hpp"

namespace greenroom::runtime {
namespace {

TEST(GapTable, SaysNothingBeforeItHasLearnt) {
  gap_table gaps;
  EXPECT_EQ(gaps.factor(gap_table::row_of(600), 60, 10), 1.0);
  gaps.learn(gap_table::row_of(600), 60, 10, 0.1, true);
  EXPECT_NEAR(gaps.factor(gap_table::row_of(600), 100, 10), 1.0, 1e-9);
  EXPECT_EQ(gaps.factor(gap_table::row_of(0), 60, 10), 1.0);
}

TEST(GapTable, FollowsTheRatioOfWhatCameToWhatWasForeseen) {
  gap_table gaps;
  const auto row = gap_table::row_of(60);
  // Of a hundred idle times a tenth ends within the second before the minute, and all of the
  // others within the second after it; one in a hundred seconds was foreseen.
  for (int i = 0; i < 1000; ++i) {
    const bool early = i % 10 == 0;
    gaps.learn(row, 50, 9, 0.01, false);
    gaps.learn(row, 59, early ? 0.5 : 1.0, 0.01, early);
    if (!early) gaps.learn(row, 60, 0.5, 0.01, true);
  }
  EXPECT_LT(gaps.factor(row, 52, 5), 0.25);
  EXPECT_GT(gaps.factor(row, 60, 0.5), 30);
  // Over a span it is the mean of its parts.
  const double whole = gaps.factor(row, 52, 10);
  EXPECT_NEAR(whole, 0.5 * gaps.factor(row, 52, 5) + 0.5 * gaps.factor(row, 57, 5), 1e-9);
  gap_table once;
  once.learn(row, 60, 0.1, 1, true);
  EXPECT_NEAR(once.factor(row, 60, 0.1), 4.0 / 3.1, 0.01) << "one visit is little evidence";
}

TEST(GapTable, TellsLengthsApartThatDifferByAFewPercent) {
  for (const double length_s : {1.0, 30.0, 100.0, 300.0, 600.0, 1000.0, 3600.0, 86400.0}) {
    const auto row = gap_table::row_of(length_s);
    EXPECT_NE(row, gap_table::row_of(1.07 * length_s)) << length_s;
    gap_table gaps;
    gaps.learn(row, length_s, 1e-3 * length_s, 1e-9, true);
    EXPECT_GT(gaps.factor(row, length_s, 1e-3 * length_s), 1.2);
    EXPECT_NEAR(gaps.factor(row, 1.035 * length_s, 1e-3 * length_s), 1.0, 1e-9) << length_s;
  }
}

TEST(GapTable, CountsAllThatWasForeseenOnceHoweverItIsCutUp) {
  gap_table at_once, in_parts;
  const auto row = gap_table::row_of(0);
  at_once.learn(row, 0.1, 1000, 0.01, false);
  std::mt19937 random(7);
  for (double age_s = 0.1; age_s < 1000.1;) {
    const double step_s =
        std::min(1000.1 - age_s, std::uniform_real_distribution<double>{0, 30}(random));
    in_parts.learn(row, age_s, step_s, 0.01, false);
    age_s += step_s;
    if (1000.1 - age_s < 1e-9) break;
  }
  double foreseen = 0;
  at_once.visit([&](gap_table::cell, const gap_table::counts& one) {
    foreseen += static_cast<double>(one.foreseen);
  });
  EXPECT_NEAR(foreseen, 10, 1e-3);
  for (double age_s = 0.1; age_s < 900; age_s *= 1.3)
    EXPECT_NEAR(at_once.factor(row, age_s, 5), in_parts.factor(row, age_s, 5), 1e-4) << age_s;
}

TEST(GapTable, HasACellForWhateverItIsAsked) {
  gap_table gaps;
  const double infinite = std::numeric_limits<double>::infinity();
  for (const double interval_s : {-1.0, 0.0, 1e-9, 0.25, 1e6, 1e12, infinite, std::nan("")})
    for (const double age_s : {0.0, 1e-9, 0.25, 0.5, 1.0, 1e6, 1e12}) {
      const auto row = gap_table::row_of(interval_s);
      gaps.learn(row, age_s, 0, 0.5, false);
      gaps.learn(row, age_s, 10, 0.5, true);
      const double found = gaps.factor(row, age_s, 1);
      EXPECT_TRUE(std::isfinite(found) && found > 0) << interval_s << ' ' << age_s;
    }
}

TEST(GapTable, IsRememberedWhole) {
  gap_table gaps;
  for (int i = 1; i < 500; ++i) gaps.learn(gap_table::row_of(i), i * 3.0, i, 0.001 * i, i % 3 == 0);
  gap_table again;
  gaps.visit([&](gap_table::cell at, const gap_table::counts& one) {
    EXPECT_TRUE(again.remember(at, one));
  });
  for (int i = 1; i < 500; ++i)
    EXPECT_EQ(again.factor(gap_table::row_of(i), i * 3.0, i),
              gaps.factor(gap_table::row_of(i), i * 3.0, i));
  EXPECT_FALSE(again.remember(gap_table::cells, {}));
}

}  // namespace
}  // namespace greenroom::runtime
