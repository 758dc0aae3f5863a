#include "runtime/monitoring/quantile_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

using greenroom::runtime::monitoring::log_histogram;
using greenroom::runtime::monitoring::quantile_window;

TEST(QuantileWindow, ForgetsASliceExactlyWhenTheWindowHasMovedPastIt) {
  quantile_window window{60, 6};
  window.add(100, 1000);  // the slice [1000, 1010)
  EXPECT_EQ(window.summary(1059.999).count, 1u);
  EXPECT_EQ(window.summary(1060).count, 0u);
  EXPECT_FALSE(window.merged(1060).quantile(0.5));
  EXPECT_FALSE(window.summary(1060).mean);
}

TEST(QuantileWindow, AnswersFromExactlyTheSlicesItPromises) {
  constexpr double span = 60;
  constexpr std::size_t slices = 6;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 engine{seed};
    std::exponential_distribution<double> gap{0.8};
    std::lognormal_distribution<double> body{4, 1.5};
    quantile_window window{span, slices};
    std::vector<std::pair<double, double>> seen;
    double now = 1.7e9;
    for (int i = 0; i < 400; ++i) {
      now += gap(engine);
      const double value = body(engine);
      window.add(value, now);
      seen.emplace_back(now, value);
      if (i % 17 != 0) continue;
      const double width = span / slices;
      const double from = (std::floor(now / width) - (slices - 1)) * width;
      std::vector<double> kept;
      double sum = 0;
      for (const auto& [at, each] : seen) {
        if (at < from) continue;
        kept.push_back(each);
        sum += each;
      }
      std::sort(kept.begin(), kept.end());
      ASSERT_EQ(window.summary(now).count, kept.size()) << "seed " << seed;
      ASSERT_NEAR(*window.summary(now).mean, sum / static_cast<double>(kept.size()), 1e-6 * sum);
      for (const double q : {0.5, 0.95, 0.99}) {
        const auto rank = std::max<std::size_t>(
            1, static_cast<std::size_t>(std::ceil(q * static_cast<double>(kept.size()))));
        const double exact = kept[rank - 1];
        ASSERT_LE(std::abs(*window.merged(now).quantile(q) - exact),
                  exact * log_histogram::relative_error)
            << "seed " << seed << " q " << q;
      }
      ASSERT_DOUBLE_EQ(*window.summary(now).max, kept.back());
    }
  }
}

TEST(QuantileWindow, LosesNothingWhenTheClockStepsBack) {
  quantile_window window{60, 6};
  window.add(1, 5000);
  window.add(2, 1000);
  EXPECT_EQ(window.summary(5000).count, 2u);
  EXPECT_EQ(window.summary(1000).count, 2u);
}

TEST(QuantileWindow, IgnoresWhatIsNoDuration) {
  quantile_window window;
  EXPECT_FALSE(window.add(-1, 10));
  EXPECT_FALSE(window.add(std::nan(""), 10));
  EXPECT_EQ(window.summary(10).count, 0u);
  EXPECT_FALSE(window.summary(10).p99);
}

TEST(QuantileWindow, ReusesASliceLongAfterItsTime) {
  quantile_window window{60, 6};
  window.add(1, 100);
  window.add(9, 100 + 3600);
  EXPECT_EQ(window.summary(3700).count, 1u);
  EXPECT_DOUBLE_EQ(*window.summary(3700).mean, 9);
}
