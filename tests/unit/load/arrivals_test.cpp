#include "runtime/load/arrivals.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "runtime/load/weighted_choice.hpp"

namespace greenroom::runtime::load {
namespace {

std::vector<double> all_of(const arrival_plan& plan, std::uint64_t seed) {
  arrival_times times{plan, base::random_source{seed}};
  std::vector<double> result;
  while (const auto time = times.next()) result.push_back(*time);
  return result;
}

TEST(ConstantArrivals, AreExactlyAsManyAsRateTimesDurationAndEvenlySpaced) {
  const auto times = all_of({.kind = arrival_kind::constant, .duration_s = 10, .rate = 30}, 1);
  ASSERT_EQ(times.size(), 300U);
  for (std::size_t at = 0; at < times.size(); ++at)
    EXPECT_DOUBLE_EQ(times[at], static_cast<double>(at) / 30);
}

TEST(PoissonArrivals, HaveTheMeanAndTheVarianceOfTheirLaw) {
  const arrival_plan plan{.kind = arrival_kind::poisson, .duration_s = 100, .rate = 10};
  double sum = 0;
  double squares = 0;
  constexpr int runs = 400;
  for (int seed = 1; seed <= runs; ++seed) {
    const auto count = static_cast<double>(all_of(plan, static_cast<std::uint64_t>(seed)).size());
    sum += count;
    squares += count * count;
  }
  const double mean = sum / runs;
  const double variance = squares / runs - mean * mean;
  // Deviations of the two estimates: sqrt(1000/400) = 1.6 and 1000·sqrt(2/400) = 71.
  EXPECT_NEAR(mean, plan.rate * plan.duration_s, 4 * 1.6);
  EXPECT_NEAR(variance, plan.rate * plan.duration_s, 4 * 71);
}

TEST(RampArrivals, FollowTheRateThatGrows) {
  const arrival_plan plan{.kind = arrival_kind::ramp, .duration_s = 1000, .rate = 0, .peak = 20};
  const auto times = all_of(plan, 5);
  EXPECT_NEAR(static_cast<double>(times.size()), 10000, 5 * 100);
  std::size_t first_half = 0;
  for (const auto time : times)
    if (time < 500) ++first_half;
  // A quarter of the triangle's area.
  EXPECT_NEAR(static_cast<double>(first_half), 2500, 5 * 50);
  EXPECT_DOUBLE_EQ(rate_at(plan, 500), 10);
}

TEST(SpikeArrivals, ArePeakWithinTheSpikeAndRateOutsideIt) {
  const arrival_plan plan{.kind = arrival_kind::spike,
                          .duration_s = 100,
                          .rate = 10,
                          .peak = 200,
                          .spike_at_s = 40,
                          .spike_s = 10};
  EXPECT_DOUBLE_EQ(rate_at(plan, 40 - 1e-9), 10);
  EXPECT_DOUBLE_EQ(rate_at(plan, 40), 200);
  EXPECT_DOUBLE_EQ(rate_at(plan, 50 - 1e-9), 200);
  EXPECT_DOUBLE_EQ(rate_at(plan, 50), 10);
  EXPECT_DOUBLE_EQ(rate_at(plan, 100), 0);
  std::size_t within = 0;
  for (const auto time : all_of(plan, 3))
    if (time >= 40 && time < 50) ++within;
  EXPECT_NEAR(static_cast<double>(within), 2000, 5 * 45);
}

TEST(ArrivalTimes, AreInOrderWithinTheDurationAndTheSameForTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const arrival_plan plan{.kind = arrival_kind::spike,
                            .duration_s = 20,
                            .rate = 5,
                            .peak = 50,
                            .spike_at_s = 18,
                            .spike_s = 10};
    const auto times = all_of(plan, seed);
    double last = 0;
    for (const auto time : times) {
      EXPECT_GE(time, last);
      EXPECT_LT(time, 20);
      last = time;
    }
    EXPECT_EQ(times, all_of(plan, seed));
  }
}

TEST(WeightedChoice, PicksEachAsOftenAsItsWeightSays) {
  const std::vector<double> weights = {0, 1, 2, 0, 5, 0.5};
  const weighted_choice choice{weights};
  base::random_source random{11};
  std::vector<double> picked(weights.size());
  constexpr int picks = 200'000;
  for (int at = 0; at < picks; ++at) picked[choice.pick(random)] += 1;
  for (std::size_t at = 0; at < weights.size(); ++at) {
    const double share = weights[at] / 8.5;
    const double deviation = std::sqrt(picks * share * (1 - share));
    EXPECT_NEAR(picked[at], picks * share, 5 * deviation + 1e-9) << at;
  }
}

TEST(ZipfWeights, FallWithTheRankAndAreEvenForExponentZero) {
  const auto weights = zipf_weights(4, 1);
  EXPECT_DOUBLE_EQ(weights[0], 1);
  EXPECT_DOUBLE_EQ(weights[3], 0.25);
  for (const auto weight : zipf_weights(9, 0)) EXPECT_DOUBLE_EQ(weight, 1);
}

}  // namespace
}  // namespace greenroom::runtime::load
