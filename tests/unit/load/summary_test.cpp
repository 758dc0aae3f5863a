#include "runtime/load/summary.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime::load {
namespace {

load_summary some() {
  load_summary result;
  result.measured_s = 10;
  for (int at = 1; at <= 90; ++at) {
    result.count(ending::completed);
    result.response.add(at * std::int64_t{1'000'000});
  }
  result.cold_starts = 9;
  for (int at = 0; at < 6; ++at) result.count(ending::shed);
  result.count(ending::failed);
  result.count(ending::timed_out);
  result.count(ending::broken);
  result.count(ending::broken);
  return result;
}

TEST(LoadSummary, CountsEachEndingOnceAndTellsErrorsFromRefusals) {
  const auto summary = some();
  EXPECT_EQ(summary.ended(), 100U);
  EXPECT_DOUBLE_EQ(summary.error_rate(), 0.04);
  EXPECT_DOUBLE_EQ(summary.shed_rate(), 0.06);
  EXPECT_DOUBLE_EQ(summary.cold_rate(), 0.1);
  EXPECT_DOUBLE_EQ(summary.throughput(), 9);
}

TEST(LoadSummary, OfNothingHasRatesOfZero) {
  const load_summary nothing;
  EXPECT_DOUBLE_EQ(nothing.error_rate(), 0);
  EXPECT_DOUBLE_EQ(nothing.shed_rate(), 0);
  EXPECT_DOUBLE_EQ(nothing.throughput(), 0);
}

TEST(Threshold, IsReadAndWrittenTheSame) {
  for (const char* text : {"p95_ms<250", "error_rate<=0.01", "throughput>100", "completed>=1"}) {
    const auto one = parse_threshold(text);
    ASSERT_TRUE(one) << text;
    EXPECT_EQ(to_string(*one), text);
  }
  EXPECT_EQ(parse_threshold(" p50_ms < 2.5 "), parse_threshold("p50_ms<2.5"));
}

TEST(Threshold, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"p95_ms", "p42_ms<1", "<5", "p95_ms<", "p95_ms<fast", "p95_ms<5ms", ""})
    EXPECT_FALSE(parse_threshold(text)) << text;
}

TEST(Threshold, IsMissedExactlyAtTheLimitUnlessItSaysOrEqual) {
  const auto summary = some();
  EXPECT_FALSE(meets(summary, *parse_threshold("error_rate<0.04")));
  EXPECT_TRUE(meets(summary, *parse_threshold("error_rate<=0.04")));
  EXPECT_TRUE(meets(summary, *parse_threshold("error_rate<0.0401")));
  EXPECT_FALSE(meets(summary, *parse_threshold("throughput>9")));
  EXPECT_TRUE(meets(summary, *parse_threshold("throughput>=9")));
}

TEST(Threshold, OnLatencyIsMissedWhenNothingWasAnswered) {
  load_summary refused;
  refused.count(ending::shed);
  EXPECT_FALSE(meets(refused, *parse_threshold("p95_ms<250")));
}

TEST(Threshold, KnowsEveryMetricThatItNames) {
  const auto summary = some();
  for (const auto& name : threshold_metrics()) {
    EXPECT_TRUE(parse_threshold(name + ">0")) << name;
    EXPECT_GT(metric_of(summary, name), 0) << name;
  }
  EXPECT_NEAR(metric_of(summary, "p50_ms"), 45, 0.05);
  EXPECT_NEAR(metric_of(summary, "warm_hit_rate"), 0.9, 1e-12);
}

}  // namespace
}  // namespace greenroom::runtime::load
