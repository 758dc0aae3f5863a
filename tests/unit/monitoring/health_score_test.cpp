#include "runtime/monitoring/health_score.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace greenroom::runtime::monitoring;

TEST(HealthScore, IsOneForAPoolThatIsWellOrOfWhichNothingIsKnown) {
  EXPECT_DOUBLE_EQ(health_score({}).score, 1);
  pool_sample good;
  good.specialists = 83;
  good.error_rate = 0.02;
  good.response_ratio = 1.5;
  good.memory_use = 0.80;
  good.queue_depth = 5;
  good.warm_hit_rate = 0.60;
  good.memory_efficiency = 0.20;
  good.prediction_accuracy = 0.50;
  EXPECT_DOUBLE_EQ(health_score(good).score, 1);
}

TEST(HealthScore, IsZeroWhenEveryTaskFailsHoweverWellTheRestLooks) {
  pool_sample sample;
  sample.error_rate = 0.20;
  sample.warm_hit_rate = 1;
  EXPECT_DOUBLE_EQ(health_score(sample).score, 0);
}

// The same figures as in tests/prometheus/rules_test.yml, for the recording rule.
TEST(HealthScore, FollowsItsDocumentedFormula) {
  pool_sample sample;
  sample.error_rate = 0.10;
  EXPECT_NEAR(health_score(sample).score, 1 - 0.08 / 0.18, 1e-12);
  EXPECT_LT(health_score(sample).score, 0.60);
  sample.error_rate = 0.11;        // 0.5
  sample.response_mean_ms = 6000;  // half way: 0.7
  sample.memory_use = 0.9;         // half way: 0.75
  sample.queue_depth = 27.5;       // half way: 0.8
  EXPECT_NEAR(health_score(sample).score, 0.5 * 0.7 * 0.75 * 0.8, 1e-12);
  sample.response_ratio = 1.0;  // Where a baseline is known, it decides and the absolute does not.
  EXPECT_NEAR(health_score(sample).score, 0.5 * 0.75 * 0.8, 1e-12);
}

TEST(HealthScore, NamesTheCostliestMeasurementFirst) {
  pool_sample sample;
  sample.error_rate = 0.05;
  sample.queue_depth = 100;
  sample.warm_hit_rate = 0.9;
  const auto report = health_score(sample);
  ASSERT_EQ(report.factors.size(), 3u);
  EXPECT_EQ(report.factors[0].name, "queue_depth");
  EXPECT_DOUBLE_EQ(report.factors[0].factor, 0.6);
  EXPECT_EQ(report.factors[1].name, "error_rate");
  EXPECT_DOUBLE_EQ(report.factors[2].factor, 1);
}

TEST(HealthScore, NeverRisesWhenAMeasurementGetsWorseAndStaysWithinBounds) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 engine{seed};
    const auto unit = [&] { return std::uniform_real_distribution<double>{0, 1}(engine); };
    pool_sample sample;
    sample.specialists = 83;
    sample.failed = engine() % 40;
    sample.error_rate = unit() * 0.3;
    sample.response_ratio = unit() * 5;
    sample.memory_use = unit();
    sample.queue_depth = unit() * 60;
    sample.warm_hit_rate = unit();
    sample.memory_efficiency = unit();
    sample.prediction_accuracy = unit();
    const double before = health_score(sample).score;
    ASSERT_GE(before, 0) << seed;
    ASSERT_LE(before, 1) << seed;
    auto worse = sample;
    switch (engine() % 7) {
      case 0: *worse.error_rate += 0.05; break;
      case 1: *worse.response_ratio += 1; break;
      case 2: *worse.memory_use += 0.1; break;
      case 3: worse.queue_depth += 10; break;
      case 4: worse.failed += 5; break;
      case 5: *worse.warm_hit_rate -= 0.2; break;
      default: *worse.memory_efficiency -= 0.1; break;
    }
    ASSERT_LE(health_score(worse).score, before) << seed;
  }
}
