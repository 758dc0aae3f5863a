// One judgement: what is not well has a reason, whoever asks.
#include "runtime/monitoring/judgement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace greenroom::runtime::monitoring {
namespace {

using testing::HasSubstr;

TEST(Judgement, IsHealthyWithoutReasons) {
  const auto now = judge_node({});
  EXPECT_EQ(now.status, node_status::healthy);
  EXPECT_EQ(now.health, 1);
  EXPECT_TRUE(now.reasons.empty());
}

TEST(Judgement, NamesWhatTheHealthScoreLost) {
  pool_sample sample;
  sample.tasks = 184;
  sample.warm_hit_rate = 0.1;
  sample.response_mean_ms = 6000;
  node_evidence seen;
  seen.health = health_score(sample);
  const auto now = judge_node(seen);
  EXPECT_EQ(now.status, node_status::critical);
  ASSERT_EQ(now.reasons.size(), 2U);
  EXPECT_EQ(now.reasons[0].about, subject::performance);
  EXPECT_EQ(now.reasons[0].level, severity::critical);
  EXPECT_THAT(now.reasons[0].text, HasSubstr("6000 ms"));
  EXPECT_EQ(now.reasons[1].about, subject::warming);
}

TEST(Judgement, NamesAlertsAndEverythingElseThatDegrades) {
  node_evidence seen;
  seen.firing.emplace_back();
  seen.firing.back().rule = "queue-depth-critical";
  seen.firing.back().level = severity::critical;
  seen.failed = 2;
  seen.blind = true;
  const auto now = judge_node(seen);
  EXPECT_EQ(now.status, node_status::critical);
  EXPECT_EQ(now.alerts, 1U);
  ASSERT_EQ(now.reasons.size(), 3U);
  EXPECT_EQ(now.reasons[0].about, subject::performance);
  EXPECT_THAT(now.reasons[1].text, HasSubstr("2 specialists could not be started"));
  seen = {};
  seen.journal_lost = true;
  EXPECT_EQ(judge_node(seen).status, node_status::critical);
  EXPECT_THAT(judge_node(seen).reasons.at(0).text, HasSubstr("journal"));
}

TEST(Judgement, NeverLeavesAnythingBadWithoutAReason) {
  std::mt19937_64 chance{5};
  const auto some = [&](double most) {
    return chance() % 2 == 0 ? std::optional<double>{}
                             : std::uniform_real_distribution<double>{0, most}(chance);
  };
  for (int round = 0; round < 5000; ++round) {
    pool_sample sample;
    sample.specialists = 10;
    sample.failed = chance() % 3;
    sample.error_rate = some(0.3);
    sample.memory_use = some(1.2);
    sample.warm_hit_rate = some(1);
    sample.memory_efficiency = some(1);
    sample.prediction_accuracy = some(1);
    sample.response_mean_ms = some(12'000);
    sample.response_ratio = some(5);
    sample.queue_depth = some(60).value_or(0);
    node_evidence seen;
    seen.health = health_score(sample);
    seen.failed = chance() % 2;
    seen.draining = chance() % 4 == 0;
    seen.blind = chance() % 4 == 0;
    seen.rolling_back = chance() % 4 == 0;
    seen.collapsed = chance() % 8 == 0;
    seen.journal_lost = chance() % 8 == 0;
    for (auto count = chance() % 3; count > 0; --count) {
      auto& one = seen.firing.emplace_back();
      one.rule = "memory-warning";
      one.level = static_cast<severity>(chance() % 3);
    }
    const auto now = judge_node(seen);
    const bool well = now.status == node_status::healthy && now.health >= 1 && now.alerts == 0;
    EXPECT_EQ(now.reasons.empty(), well) << round;
    for (const auto& one : now.reasons) {
      EXPECT_FALSE(one.text.empty());
      EXPECT_FALSE(one.change.empty());
    }
  }
}

}  // namespace
}  // namespace greenroom::runtime::monitoring
