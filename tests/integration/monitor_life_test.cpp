// Web hooks of a live node.
#include "tests/integration/support/two_pools.hpp"
#include "tests/machine/http/scripted_server.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

/// How often the server received the alert `name` in `state`.
std::size_t notifications(const scripted_server& server, const std::string& name,
                          const std::string& state) {
  const auto all = server.requests();
  return static_cast<std::size_t>(std::ranges::count_if(all, [&](const auto& one) {
    const auto alert = json::parse(one.body, nullptr, false);
    return one.answered == 200 && alert.is_object() && alert.value("name", "") == name
           && alert.value("state", "") == state;
  }));
}

TEST(LiveMonitor, DeliversEachChangeOfAnAlertOnceHoweverOftenItHasToTry) {
  scripted_server server{{500, 0, 503}};
  two_pools pools{"alerts: { webhooks: [\"" + server.url() + "\"] }"};
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  ASSERT_EQ(pools.roll_back({{"reason", "the test says so"}}).status, 202);
  ASSERT_TRUE(
      eventually([&] { return notifications(server, "rollback-triggered", "firing") == 1; }, 60s));
  // The alert is resolved when the rollback is verified.
  ASSERT_TRUE(
      eventually([&] { return notifications(server, "rollback-triggered", "resolved") == 1; }, 60s))
      << pools.rollback().dump(1);
  EXPECT_GE(server.requests().size(), 5u) << "three refusals and two deliveries";
  // An alert's states only move forward.
  const auto alerts = pools.node.ask("GET", "/v1/alerts");
  EXPECT_EQ(alerts.status, 200);
  EXPECT_EQ(notifications(server, "rollback-triggered", "firing"), 1u);
}

TEST(LiveMonitor, SaysThatThereIsTooLittleToReportInsteadOfAFigure) {
  two_pools pools;
  pools.node.set_environment("GREENROOM_POOL_MODE", "intelligent");
  ASSERT_TRUE(pools.node.start()) << pools.node.errors();
  ASSERT_EQ(pools.node.task("s0", 1).status, 200);
  const auto report = pools.node.get("/v1/report?format=json").body;
  EXPECT_TRUE(report["savings"]["response_ratio"].is_null()) << report["savings"];
  EXPECT_TRUE(report["before"]["response_mean_ms"].is_null()) << report["before"];
  const auto page = pools.node.ask("GET", "/v1/report?format=md");
  EXPECT_EQ(page.status, 200);
}

}  // namespace
}  // namespace greenroom::tests
