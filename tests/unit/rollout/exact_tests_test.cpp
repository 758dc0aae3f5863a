#include "runtime/rollout/exact_tests.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace greenroom::runtime::rollout;
using greenroom::runtime::monitoring::log_histogram;

namespace {

double choose(unsigned n, unsigned k) {
  double out = 1;
  for (unsigned i = 0; i < k; ++i) out = out * (n - i) / (i + 1);
  return k > n ? 0 : out;
}

}  // namespace

TEST(ExactTests, KnowLogFactorialsOnBothSidesOfTheTable) {
  EXPECT_DOUBLE_EQ(log_factorial(0), 0);
  EXPECT_NEAR(log_factorial(10), std::log(3628800.0), 1e-12);
  for (const std::uint64_t n : {255u, 256u, 257u, 1000u, 100000u}) {
    EXPECT_NEAR(log_factorial(n) - log_factorial(n - 1), std::log(static_cast<double>(n)), 1e-8);
    EXPECT_NEAR(log_factorial(n), std::lgamma(static_cast<double>(n) + 1),
                1e-13 * log_factorial(n));
  }
}

TEST(ExactTests, SumBinomialTailsAsByHand) {
  for (unsigned n : {1u, 2u, 7u, 20u}) {
    for (const double p : {0.05, 0.5, 0.9}) {
      for (unsigned k = 0; k <= n; ++k) {
        double at_most = 0, at_least = 0;
        for (unsigned i = 0; i <= n; ++i) {
          const double term = choose(n, i) * std::pow(p, i) * std::pow(1 - p, n - i);
          (i <= k ? at_most : at_least) += term;
        }
        at_least += choose(n, k) * std::pow(p, k) * std::pow(1 - p, n - k);
        EXPECT_NEAR(binomial_at_most(k, n, p), at_most, 1e-12);
        EXPECT_NEAR(binomial_at_least(k, n, p), at_least, 1e-12);
      }
    }
  }
  EXPECT_NEAR(binomial_at_most(500000, 1000000, 0.5), 0.5004, 1e-4);
  EXPECT_DOUBLE_EQ(binomial_at_least(0, 5, 0.3), 1);
  EXPECT_DOUBLE_EQ(binomial_at_least(6, 5, 0.3), 0);
}

TEST(ExactTests, BoundProportionsByClopperAndPearson) {
  // With all of n seen, the bound solves p^n = alpha.
  EXPECT_DOUBLE_EQ(proportion_lower(0, 100, 0.05), 0);
  EXPECT_NEAR(proportion_lower(100, 100, 0.05), std::pow(0.05, 0.01), 1e-9);
  // 10 of 100 at 97.5 %: the lower end of the textbook's [0.0490, 0.1762].
  EXPECT_NEAR(proportion_lower(10, 100, 0.025), 0.0490, 1e-4);
}

TEST(ExactTests, FollowFishersTeaTasting) {
  // Fisher 1935: all four of four cups right has a probability of 1/70, three or more 17/70.
  EXPECT_NEAR(fisher_greater(4, 4, 0, 4), 1.0 / 70, 1e-12);
  EXPECT_NEAR(fisher_greater(3, 4, 1, 4), 17.0 / 70, 1e-12);
  EXPECT_DOUBLE_EQ(fisher_greater(0, 10, 0, 10), 1);
  EXPECT_DOUBLE_EQ(fisher_greater(0, 10, 5, 10), 1);
}

TEST(ExactTests, TakeAZeroErrorBaselineForNoProofUntilTheCanaryFailsOften) {
  EXPECT_GT(fisher_greater(1, 500, 0, 500), 0.4);
  EXPECT_NEAR(fisher_greater(1, 500, 0, 500), 0.5, 1e-9);
  EXPECT_LT(fisher_greater(10, 500, 0, 500), 0.001);
  EXPECT_LT(fisher_greater(400, 100000, 0, 100000), 1e-100);
}

TEST(ExactTests, CountExceedancesAsByHand) {
  // All ten of ten above the greatest of ten: one arrangement of C(20, 10).
  EXPECT_NEAR(exceedance(10, 10, 10, 10), 1 / choose(20, 10), 1e-15);
  // At least seven of ten above the greatest of ten: C(13, 3) arrangements of the rest.
  EXPECT_NEAR(exceedance(7, 10, 10, 10), choose(13, 10) / choose(20, 10), 1e-12);
  EXPECT_DOUBLE_EQ(exceedance(0, 10, 5, 10), 1);
  double sum = 0;  // The differences of the tail are a distribution.
  for (unsigned k = 0; k <= 12; ++k) {
    const double here = exceedance(k, 12, 4, 9) - (k == 12 ? 0 : exceedance(k + 1, 12, 4, 9));
    EXPECT_GE(here, -1e-15);
    sum += here;
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  for (unsigned k = 0; k <= 12; ++k) {
    const double by_hand = choose(12 - k + 3, 3) * choose(k + 5, 5) / choose(21, 9);
    const double here = exceedance(k, 12, 4, 9) - (k == 12 ? 0 : exceedance(k + 1, 12, 4, 9));
    EXPECT_NEAR(here, by_hand, 1e-12) << k;
  }
  const double large = exceedance(501000, 1000000, 500000, 1000000);
  EXPECT_GT(large, 0.05);
  EXPECT_LT(large, 0.5);
  EXPECT_LT(exceedance(510000, 1000000, 500000, 1000000), 1e-15);
}

TEST(ExactTests, RejectAnEqualCanaryNoOftenerThanPromised) {
  int rejected = 0;
  constexpr int rounds = 2000;
  for (int round = 0; round < rounds; ++round) {
    std::mt19937_64 engine{static_cast<std::uint64_t>(round) + 1};
    std::lognormal_distribution<double> body{2, 1};
    std::vector<double> control(30), canary(40);
    for (auto& each : control) each = body(engine);
    for (auto& each : canary) each = body(engine);
    std::sort(control.begin(), control.end());
    const auto above = static_cast<std::uint64_t>(std::count_if(
        canary.begin(), canary.end(), [&](double each) { return each > control[22]; }));
    rejected += exceedance(above, 40, 23, 30) <= 0.05;
  }
  EXPECT_LE(rejected, rounds * 0.05 + 3 * std::sqrt(rounds * 0.05 * 0.95));
  EXPECT_GE(rejected, 10) << "and not for never rejecting anything";
}

TEST(ExactTests, BoundQuantilesAtLeastAsOftenAsPromised) {
  int low_missed = 0, high_missed = 0;
  constexpr int rounds = 1000;
  const double truth = -std::log(0.25);  // The p75 of the exponential distribution.
  for (int round = 0; round < rounds; ++round) {
    std::mt19937_64 engine{static_cast<std::uint64_t>(round) + 77};
    std::exponential_distribution<double> body{1};
    log_histogram values;
    for (int i = 0; i < 60; ++i) values.add(body(engine));
    const auto at = bound_quantile(values, 0.75, 0.05);
    ASSERT_TRUE(at.lower && at.upper);
    low_missed += *at.lower > truth;
    high_missed += *at.upper < truth;
  }
  EXPECT_LE(low_missed, 70);
  EXPECT_LE(high_missed, 70);
  EXPECT_GE(low_missed + high_missed, 10) << "bounds that never miss are too wide";
}

TEST(ExactTests, BoundNothingWithTooFewValues) {
  log_histogram values;
  EXPECT_FALSE(bound_quantile(values, 0.5, 0.05).lower);
  for (int i = 1; i <= 4; ++i) values.add(i);
  EXPECT_FALSE(bound_quantile(values, 0.5, 0.05).lower);  // 1/16 > 0.05
  EXPECT_FALSE(bound_quantile(values, 0.5, 0.05).upper);
  values.add(5);  // 1/32 < 0.05
  EXPECT_DOUBLE_EQ(bound_quantile(values, 0.5, 0.05).lower.value(), 1);
  EXPECT_DOUBLE_EQ(bound_quantile(values, 0.5, 0.05).upper.value(), 5);
}

TEST(ExactTests, SpendNoMoreThanAllOfAlphaOverEveryLook) {
  double spent = 0;
  for (std::uint32_t look = 1; look <= 100000; ++look) spent += alpha_at_look(0.05, look);
  EXPECT_LT(spent, 0.05);
  EXPECT_GT(spent, 0.0499);
}
