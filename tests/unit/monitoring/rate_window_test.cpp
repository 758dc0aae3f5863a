#include "runtime/monitoring/rate_window.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

using greenroom::runtime::monitoring::rate_window;

TEST(RateWindow, HasNoRateWithoutTraffic) {
  rate_window window{60, 6};
  EXPECT_FALSE(window.rate(100));
  window.add(false, 100);
  EXPECT_DOUBLE_EQ(window.rate(100).value(), 0);
  EXPECT_TRUE(window.rate(159.9));
  EXPECT_FALSE(window.rate(160)) << "traffic that stopped is not a rate of 0";
}

TEST(RateWindow, CountsExactlyTheSlicesItKeeps) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 engine{seed};
    std::exponential_distribution<double> gap{2};
    rate_window window{30, 5};
    std::vector<std::pair<double, bool>> seen;
    double now = 1e9;
    for (int i = 0; i < 500; ++i) {
      now += gap(engine);
      const bool failed = engine() % 7 == 0;
      window.add(failed, now);
      seen.emplace_back(now, failed);
      const double from = (std::floor(now / 6) - 4) * 6;
      std::uint64_t total = 0, counted = 0;
      for (const auto& [at, bad] : seen) {
        if (at < from) continue;
        ++total;
        counted += bad;
      }
      ASSERT_EQ(window.at(now).total, total) << "seed " << seed;
      ASSERT_EQ(window.at(now).counted, counted) << "seed " << seed;
    }
  }
}

TEST(RateWindow, TakesBatches) {
  rate_window window{10, 2};
  window.add(3, 12, 50);
  window.add(1, 4, 51);
  EXPECT_DOUBLE_EQ(window.rate(51).value(), 0.25);
}
