// Failed tasks: retries, backoff and unsafe tasks.
#include "actors/tasks/department.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::task_state;

TEST(DepartmentRetries, RetriesWhatFailedAfterTheBackoffAndNotBefore) {
  auto config = small_cast(1, 1);
  config.retry.jitter = 0;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(true);
  node.world.advance(99ms);
  EXPECT_TRUE(node.worker("d0-s0").held.empty());
  node.world.advance(12ms);  // The department looks every 10 ms.
  ASSERT_EQ(node.worker("d0-s0").held.size(), 1u);
  node.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(who->attempts, 2u);
}

TEST(DepartmentRetries, TriesAgainNoSoonerThanTheWorkerAskedFor) {
  auto config = small_cast(1, 1);
  config.retry.jitter = 0;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(true, 3s);
  node.world.advance(3s - 1ms);
  EXPECT_TRUE(node.worker("d0-s0").held.empty());
  node.world.advance(12ms);
  ASSERT_EQ(node.worker("d0-s0").held.size(), 1u);
  // The requested pause ends after the deadline, so the task fails at once.
  node.worker("d0-s0").fail_one(true, 40s);
  node.world.dispatch();
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->why, failure::worker_failed);
  EXPECT_EQ(who->attempts, 2u);
  EXPECT_EQ(who->retry_after_ms, 40'000);
}

TEST(DepartmentRetries, RetriesNoSoonerThanTheServerAsked) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 2;
  config.breaker.open = 1s;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  for (int i = 0; i < 2; ++i) {
    node.worker("d0-s0").fail_one(true, 3s);
    node.world.dispatch();
  }
  node.world.advance(3s - 1ms);
  EXPECT_TRUE(node.worker("d0-s0").held.empty());
  node.world.advance(12ms);
  EXPECT_EQ(node.worker("d0-s0").held.size(), 1u) << "the probe";
}

TEST(DepartmentRetries, GivesUpAfterTheLastAttempt) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").get_ready();
  for (int i = 0; i < 3; ++i) {
    node.world.advance(1s);
    node.worker("d0-s0").fail_one(true);
  }
  node.world.dispatch();
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->why, failure::worker_failed);
  EXPECT_EQ(who->attempts, 3u);
}

TEST(DepartmentRetries, NeverRetriesWhatTheWorkerRefused) {
  stage node{small_cast(1, 1)};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(false);
  node.world.dispatch();
  EXPECT_EQ(who->why, failure::refused);
  EXPECT_EQ(who->attempts, 1u);
}

TEST(DepartmentRetries, RunsAnUnsafeTaskOnceAndCallsItsEndUnknown) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").die();
  node.world.advance(5s);
  EXPECT_EQ(who->state, task_state::unknown);
  EXPECT_EQ(who->attempts, 1u);
}

TEST(DepartmentRetries, KnowsTheEndOfAnUnsafeTaskWhoseWorkerAnswered) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(true);
  node.world.advance(5s);
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->state, task_state::failed);
  EXPECT_EQ(who->why, failure::worker_failed);
  EXPECT_EQ(who->attempts, 1u);
  EXPECT_EQ(who->output, "it failed, and it must not run twice");
  auto other = node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").fail_one(true, 0ms, false);
  node.world.advance(5s);
  EXPECT_EQ(other->state, task_state::unknown);
}

TEST(DepartmentRetries, RunsAgainWhatADeadWorkerHeld) {
  stage node{small_cast(1, 1)};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").die();
  node.world.advance(1s);
  ASSERT_EQ(node.starts["d0-s0"], 2);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(who->attempts, 2u);
}

}  // namespace
}  // namespace greenroom::tests
