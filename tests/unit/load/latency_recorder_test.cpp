#include "runtime/load/latency_recorder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "protocols/base/random.hpp"

namespace greenroom::runtime::load {
namespace {

std::int64_t exact_quantile(const std::vector<std::int64_t>& sorted, double q) {
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

TEST(LatencyRecorder, IsEmptyAtFirst) {
  const latency_recorder none;
  EXPECT_EQ(none.count(), 0U);
  EXPECT_EQ(none.quantile(0.5), 0);
  EXPECT_EQ(none.min(), 0);
  EXPECT_EQ(none.max(), 0);
  EXPECT_EQ(none.mean(), 0);
}

TEST(LatencyRecorder, KeepsValuesBelowOneMicrosecondExactly) {
  for (std::int64_t value = 0; value < 1024; ++value) {
    latency_recorder one;
    one.add(value);
    one.add(1'000'000'000);
    EXPECT_EQ(one.quantile(0.5), value);
  }
}

TEST(LatencyRecorder, StaysWithinItsErrorForEveryQuantileOfManySeeds) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    base::random_source random{seed};
    latency_recorder recorder;
    std::vector<std::int64_t> values;
    const auto count = 1 + random.below(4000);
    for (std::size_t at = 0; at < count; ++at) {
      // From nanoseconds to a day, evenly over the orders of magnitude.
      const auto value = static_cast<std::int64_t>(std::exp(random.uniform() * 32));
      values.push_back(value);
      recorder.add(value);
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
      const auto exact = static_cast<double>(exact_quantile(values, q));
      const auto reported = static_cast<double>(recorder.quantile(q));
      EXPECT_LE(std::abs(reported - exact), exact * latency_recorder::relative_error)
          << "seed " << seed << ", quantile " << q;
    }
    EXPECT_EQ(recorder.min(), values.front());
    EXPECT_EQ(recorder.max(), values.back());
  }
}

TEST(LatencyRecorder, CountsTheLargestValueThereIs) {
  latency_recorder one;
  one.add(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(one.quantile(0.5), std::numeric_limits<std::int64_t>::max());
}

TEST(LatencyRecorder, CountsNegativeValuesAsNothing) {
  latency_recorder one;
  one.add(-5);
  EXPECT_EQ(one.count(), 1U);
  EXPECT_EQ(one.max(), 0);
}

TEST(LatencyRecorder, MergedIsTheSameAsRecordedTogether) {
  base::random_source random{7};
  latency_recorder left;
  latency_recorder right;
  latency_recorder both;
  for (int at = 0; at < 1000; ++at) {
    const auto value = static_cast<std::int64_t>(random.exponential(3e6));
    (at % 3 == 0 ? left : right).add(value);
    both.add(value);
  }
  left.merge(right);
  EXPECT_EQ(left.count(), both.count());
  EXPECT_EQ(left.min(), both.min());
  EXPECT_EQ(left.max(), both.max());
  EXPECT_NEAR(left.mean(), both.mean(), 1e-6 * both.mean());
  for (double q = 0; q <= 1; q += 0.01) EXPECT_EQ(left.quantile(q), both.quantile(q));
}

}  // namespace
}  // namespace greenroom::runtime::load
