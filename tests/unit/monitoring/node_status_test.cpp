#include "runtime/monitoring/node_status.hpp"

#include <gtest/gtest.h>

#include <cmath>

using namespace greenroom::runtime::monitoring;

TEST(NodeStatus, IsHealthyUntilSomethingIsWrong) {
  EXPECT_EQ(derive_status({}), node_status::healthy);
  EXPECT_EQ(derive_status({.health = 0.80}), node_status::healthy);
  EXPECT_EQ(derive_status({.health = std::nextafter(0.80, 0)}), node_status::degraded);
  EXPECT_EQ(derive_status({.health = 0.60}), node_status::degraded);
  EXPECT_EQ(derive_status({.health = std::nextafter(0.60, 0)}), node_status::critical);
  EXPECT_EQ(derive_status({.warning_alerts = 1}), node_status::degraded);
  EXPECT_EQ(derive_status({.critical_alerts = 1}), node_status::critical);
  EXPECT_EQ(derive_status({.rolling_back = true}), node_status::critical);
  EXPECT_EQ(derive_status({.draining = true}), node_status::degraded);
  EXPECT_EQ(derive_status({.blind = true}), node_status::degraded);
}

TEST(NodeStatus, WritesTheHealthAnswerInTheShapeOfTheContract) {
  pool_sample sample;
  sample.specialists = 83;
  sample.warm = 17;
  sample.response_mean_ms = 41.5;
  sample.warm_hit_rate = 0.68;
  sample.queue_depth = 3;
  sample.memory_mb = 1120.5;
  sample.always_warm_memory_mb = 5478;
  sample.memory_efficiency = 0.795;
  EXPECT_EQ(health_answer({node_status::degraded, 93500, 2, 1714564800.25}, sample),
            "{\"status\":\"DEGRADED\",\"uptime\":93500,\"specialists\":{\"warm\":17,\"total\":83,"
            "\"utilization\":0.2048},\"performance\":{\"averageResponseTime\":41.5,"
            "\"warmHitRate\":0.68,\"queueDepth\":3},\"memory\":{\"current\":1120.5,"
            "\"saved\":4357.5,\"efficiency\":79.5},\"alerts\":2,"
            "\"lastCheck\":\"2024-05-01T12:00:00.250Z\"}");
}

TEST(NodeStatus, AnswersForAnEmptyPoolToo) {
  EXPECT_EQ(health_answer({}, {}),
            "{\"status\":\"HEALTHY\",\"uptime\":0,\"specialists\":{\"warm\":0,\"total\":0,"
            "\"utilization\":0},\"performance\":{\"averageResponseTime\":0,\"warmHitRate\":0,"
            "\"queueDepth\":0},\"memory\":{\"current\":0,\"saved\":0,\"efficiency\":0},"
            "\"alerts\":0,\"lastCheck\":\"1970-01-01T00:00:00.000Z\"}");
}

TEST(PoolSample, NamesEveryMetricAndFindsItByItsName) {
  for (const auto each : all_metrics) {
    EXPECT_EQ(metric_named(name_of(each)), each);
    EXPECT_FALSE(written(each, 1).empty());
  }
  EXPECT_FALSE(metric_named("mood"));
}
