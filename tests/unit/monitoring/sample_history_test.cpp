#include "runtime/monitoring/sample_history.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace runtime::monitoring;

pool_sample sample_at(double at_s, std::optional<double> errors, double waiting) {
  pool_sample sample;
  sample.at_s = at_s;
  sample.error_rate = errors;
  sample.queue_depth = waiting;
  return sample;
}

TEST(SampleHistory, SumsUpThePeriodAndNothingBeforeIt) {
  sample_history history;
  history.add(sample_at(10, 1.0, 50));
  history.add(sample_at(20, 0.25, 2));
  history.add(sample_at(30, std::nullopt, 4));
  history.add(sample_at(40, 0.75, 6));
  const auto errors = history.summary(metric::error_rate, 20);
  EXPECT_EQ(errors.points, 2u);
  EXPECT_DOUBLE_EQ(errors.mean, 0.5);
  EXPECT_DOUBLE_EQ(errors.min, 0.25);
  EXPECT_DOUBLE_EQ(errors.max, 0.75);
  EXPECT_DOUBLE_EQ(errors.last, 0.75);
  EXPECT_DOUBLE_EQ(history.summary(metric::queue_depth, 20.5).mean, 5);
  EXPECT_EQ(history.summary(metric::error_rate, 41).points, 0u);
}

TEST(SampleHistory, AveragesGroupsWhenThereAreMorePointsThanAskedFor) {
  sample_history history;
  for (int i = 0; i < 10; ++i) history.add(sample_at(i, std::nullopt, i));
  const auto all = history.since(0, 10);
  ASSERT_EQ(all.size(), 10u);
  const auto few = history.since(0, 4);  // Groups of 3, 3, 3 and 1.
  ASSERT_EQ(few.size(), 4u);
  EXPECT_FLOAT_EQ(few[0].of(metric::queue_depth).value_or(-1), 1);
  EXPECT_FLOAT_EQ(few[2].of(metric::queue_depth).value_or(-1), 7);
  EXPECT_FLOAT_EQ(few[3].of(metric::queue_depth).value_or(-1), 9);
  EXPECT_DOUBLE_EQ(few[0].at_s, 2);
  EXPECT_FALSE(few[0].of(metric::error_rate));
}

TEST(SampleHistory, ForgetsTheOldestPointsBeyondItsBound) {
  sample_history history{3};
  for (int i = 0; i < 5; ++i) history.add(sample_at(i, std::nullopt, i));
  const auto kept = history.since(0, 100);
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_DOUBLE_EQ(kept.front().at_s, 2);
}

}  // namespace
}  // namespace greenroom::tests
