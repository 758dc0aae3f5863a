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

TEST(PoolSample, NamesEveryMetricAndFindsItByItsName) {
  for (const auto each : all_metrics) {
    EXPECT_EQ(metric_named(name_of(each)), each);
    EXPECT_FALSE(written(each, 1).empty());
  }
  EXPECT_FALSE(metric_named("mood"));
}
