#include "runtime/monitoring/log_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using greenroom::runtime::monitoring::log_histogram;

namespace {

std::vector<double> drawn(std::uint64_t seed, std::size_t n) {
  std::mt19937_64 engine{seed};
  std::lognormal_distribution<double> body{1.0 + static_cast<double>(seed % 9), 2.5};
  std::vector<double> values(n);
  for (auto& each : values) each = body(engine);
  return values;
}

std::uint64_t rank_of(double q, std::size_t n) {
  return std::max<std::uint64_t>(1,
                                 static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(n))));
}

}  // namespace

TEST(LogHistogram, KeepsEveryQuantileWithinItsStatedRelativeErrorForAnyInput) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    auto values = drawn(seed, 1 + seed * 7);
    log_histogram counts;
    for (const double each : values) ASSERT_TRUE(counts.add(each));
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0}) {
      const double exact = values[rank_of(q, values.size()) - 1];
      const double error = std::abs(counts.quantile(q).value() - exact);
      const double allowed = std::max(exact * log_histogram::relative_error,
                                      exact < log_histogram::smallest ? 1.0 / 2048 : 0.0);
      ASSERT_LE(error, allowed) << "seed " << seed << " q " << q << " exact " << exact;
    }
    for (std::uint64_t rank = 1; rank <= values.size(); rank += 13) {
      const auto at = counts.bounds_at_rank(rank);
      ASSERT_LE(at.lower, values[rank - 1]) << "seed " << seed;
      ASSERT_GE(at.upper, values[rank - 1]) << "seed " << seed;
    }
  }
}

TEST(LogHistogram, MeetsItsErrorBoundAtTheEdgesOfBuckets) {
  for (int octave = log_histogram::octave_min; octave < log_histogram::octave_max; ++octave) {
    for (const double step : {0.0, 1.0 / 128, 64.0 / 128, 127.0 / 128}) {
      const double edge = std::ldexp(1.0 + step, octave);
      for (const double value : {edge, std::nextafter(edge, 0.0), std::nextafter(edge, 1e300)}) {
        if (value < log_histogram::smallest || value >= log_histogram::largest) continue;
        log_histogram counts;
        counts.add(value);
        counts.add(log_histogram::largest * 2);
        ASSERT_LE(std::abs(*counts.quantile(0.5) - value), value * log_histogram::relative_error)
            << value;
      }
    }
  }
}

TEST(LogHistogram, CountsWithoutErrorAndRefusesWhatIsNoDuration) {
  log_histogram counts;
  EXPECT_FALSE(counts.mean());
  EXPECT_FALSE(counts.quantile(0.5));
  EXPECT_FALSE(counts.add(-0.001));
  EXPECT_FALSE(counts.add(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(counts.add(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(counts.count(), 0u);
  EXPECT_TRUE(counts.add(0));
  EXPECT_TRUE(counts.add(10, 3));
  EXPECT_TRUE(counts.add(5e9));
  EXPECT_EQ(counts.count(), 5u);
  EXPECT_DOUBLE_EQ(counts.sum(), 5e9 + 30);
  EXPECT_DOUBLE_EQ(counts.min(), 0);
  EXPECT_DOUBLE_EQ(counts.max(), 5e9);
  EXPECT_DOUBLE_EQ(*counts.quantile(1), 5e9) << "beyond the last octave the maximum is reported";
}

TEST(LogHistogram, SaysHowManyAreCertainlyAboveAndNeverMoreThanThereAre) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto values = drawn(seed, 300);
    log_histogram counts;
    for (const double each : values) counts.add(each);
    for (const double threshold : {0.5, 7.0, 100.0, 3000.0}) {
      const auto exact = static_cast<std::uint64_t>(std::count_if(
          values.begin(), values.end(), [&](double each) { return each > threshold; }));
      const auto within =
          static_cast<std::uint64_t>(std::count_if(values.begin(), values.end(), [&](double each) {
            return each > threshold * (1 + 1.0 / 64);
          }));
      ASSERT_LE(counts.certainly_above(threshold), exact) << "seed " << seed;
      ASSERT_GE(counts.certainly_above(threshold), within) << "seed " << seed;
    }
  }
  log_histogram ones;
  ones.add(1, 10);
  EXPECT_EQ(ones.certainly_above(1), 0u) << "a value is not above itself";
  EXPECT_EQ(ones.certainly_above(std::nextafter(1.0, 0.0)), 10u);
}

TEST(LogHistogram, MergesAndReadsBackToTheSameHistogram) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto values = drawn(seed, 500);
    log_histogram left, right, all;
    for (std::size_t i = 0; i < values.size(); ++i) {
      (i % 3 == 0 ? left : right).add(values[i]);
      all.add(values[i]);
    }
    left.merge(right);
    EXPECT_EQ(left.count(), all.count());
    for (const double q : {0.1, 0.5, 0.99}) EXPECT_EQ(left.quantile(q), all.quantile(q));
    const auto text = all.encode();
    const auto back = log_histogram::decode(text);
    ASSERT_TRUE(back);
    EXPECT_TRUE(*back == all);
    EXPECT_EQ(back->encode(), text);
    for (std::size_t cut = 0; cut < text.size(); cut += 11) {
      EXPECT_FALSE(log_histogram::decode(text.substr(0, cut))) << "a truncated text is refused";
    }
  }
  EXPECT_TRUE(log_histogram::decode(log_histogram{}.encode()));
  EXPECT_FALSE(log_histogram::decode("h1:0,0,0,0,0;999999=1,."));
  EXPECT_FALSE(log_histogram::decode("h1:nan,0,0,0,0;."));
}
