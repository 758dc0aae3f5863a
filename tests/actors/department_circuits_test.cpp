// Circuit breakers of a department.
#include "actors/tasks/department.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::task_state;

TEST(DepartmentCircuits, OpensTheCircuitAndProbesItLater) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 2;
  config.breaker.open = 5s;
  config.retry.max_attempts = 1;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").get_ready();
  for (int i = 0; i < 2; ++i) {
    node.world.dispatch();
    node.worker("d0-s0").fail_one(true);
  }
  node.world.dispatch();
  node.ask("d0-s0");
  ASSERT_TRUE(node.refused);
  EXPECT_EQ(node.refused->why, failure::circuit_open);
  EXPECT_GT(node.refused->retry_after, 0ms);
  node.world.advance(5s);
  auto probe = node.ask("d0-s0");
  ASSERT_FALSE(node.refused);
  node.world.advance(50ms);
  node.finish_one("d0-s0");
  EXPECT_EQ(probe->state, task_state::completed);
  const auto events = node.events();
  EXPECT_EQ(std::ranges::count(events, R"(circuit.closed {"specialist":"d0-s0"})"), 1);
}

TEST(DepartmentCircuits, TellsNothingOfACircuitThatWasNeverOpen) {
  stage node{small_cast(1, 1)};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  ASSERT_TRUE(node.everyone_heard_once());
  for (const auto& one : node.events()) EXPECT_FALSE(one.starts_with("circuit.")) << one;
}

TEST(DepartmentCircuits, CountsAnInputThatFailsAtEachTryAsOneFailure) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 2;
  stage node{config};
  node.open();
  auto poison = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  for (int i = 0; i < 3; ++i) {
    node.world.advance(1s);
    node.worker("d0-s0").fail_one(true);
  }
  node.world.dispatch();
  EXPECT_EQ(poison->attempts, 3u);
  EXPECT_EQ(poison->ends, 1);
  node.ask("d0-s0");
  EXPECT_FALSE(node.refused) << "the circuit is closed";
}

TEST(DepartmentCircuits, DoesNotOpenTheCircuitOfAServerThatIsAskedTooMuch) {
  for (const auto status : {429, 503}) {
    auto config = small_cast(1, 1);
    config.breaker.failures = 2;
    config.retry.max_attempts = 1;
    stage node{config};
    node.open();
    for (int i = 0; i < 4; ++i) {
      node.ask("d0-s0");
      if (node.refused) break;
      node.world.dispatch();
      if (i == 0) node.get_ready("d0-s0");
      node.worker("d0-s0").fail_one_with(status);
      node.world.dispatch();
    }
    EXPECT_EQ(node.refused.has_value(), status == 503);
    if (node.refused) {
      EXPECT_EQ(node.refused->why, failure::circuit_open);
      EXPECT_NE(node.refused->detail.find("5000 ms"), std::string::npos) << node.refused->detail;
    }
  }
}

TEST(DepartmentCircuits, LeavesTheCircuitClosedForTwoCallersInAHurry) {
  for (const bool hurried : {true, false}) {
    auto config = small_cast(1, 1);
    config.departments[0].specialists[0].backend.task_timeout = 200ms;
    stage node{config};
    node.open();
    auto first = node.ask("d0-s0");
    node.world.dispatch();
    node.get_ready("d0-s0");
    node.finish_one("d0-s0");
    for (int i = 0; i < 2; ++i) {
      task_request request;
      if (hurried) request.timeout = 100ms;
      const auto late = node.ask("d0-s0", request);
      node.world.advance(300ms);
      EXPECT_EQ(late->why, failure::out_of_time);
      node.worker("d0-s0").fail_one(false);  // The worker drops the cancelled task.
      node.world.advance(1700ms);
    }
    node.ask("d0-s0");
    EXPECT_EQ(node.refused.has_value(), !hurried);
  }
}

TEST(DepartmentCircuits, CountsNoProbeAmongTheTasksThatFoundTheirWorkerWarm) {
  stage node{small_cast(1, 1)};
  node.open();
  const auto& gauge = node.shared->pools.of(protocols::pool_kind::intelligent).gauge;
  task_request probe;
  probe.probe = true;
  const auto cold = node.ask("d0-s0", probe);
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  const auto warm = node.ask("d0-s0", probe);
  node.world.dispatch();
  node.finish_one("d0-s0");
  EXPECT_EQ(cold->state, task_state::completed);
  EXPECT_EQ(warm->state, task_state::completed);
  EXPECT_EQ(machine::count_of(gauge.warm_hits), 0u);
  EXPECT_EQ(machine::count_of(gauge.cold_starts), 0u);
}

}  // namespace
}  // namespace greenroom::tests
