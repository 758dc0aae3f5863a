#include "runtime/resilience/worker_restart.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime {
namespace {

constexpr std::size_t starts_max = 3;

TEST(WorkerRestart, IsAtOnceForAWorkerThatWasUseful) {
  const auto decision = decide_restart({.had_tasks = true}, 2, starts_max);
  EXPECT_EQ(decision.failed_starts, 0u);
  EXPECT_TRUE(decision.at_once);
  EXPECT_FALSE(decision.after_backoff);
  EXPECT_FALSE(decision.exhausted);
}

TEST(WorkerRestart, CountsALongIdleLifeAsUseful) {
  EXPECT_EQ(decide_restart({.up_for_ns = proven_after_ns}, 2, starts_max).failed_starts, 0u);
  EXPECT_EQ(decide_restart({.up_for_ns = proven_after_ns - 1}, 2, starts_max).failed_starts, 3u);
}

TEST(WorkerRestart, IsNeverAtOnceForAWorkerThatWasNotReady) {
  const auto decision = decide_restart({.before_ready = true, .had_tasks = true}, 0, starts_max);
  EXPECT_EQ(decision.failed_starts, 1u);
  EXPECT_FALSE(decision.at_once);
  EXPECT_TRUE(decision.after_backoff);
}

TEST(WorkerRestart, ForgivesOneEarlyEndAndWaitsAfterTheSecond) {
  const auto first = decide_restart({}, 0, starts_max);
  EXPECT_TRUE(first.at_once);
  EXPECT_FALSE(first.after_backoff);
  const auto second = decide_restart({}, first.failed_starts, starts_max);
  EXPECT_FALSE(second.at_once);
  EXPECT_TRUE(second.after_backoff);
  EXPECT_FALSE(second.exhausted);
  EXPECT_TRUE(decide_restart({}, second.failed_starts, starts_max).exhausted);
}

}  // namespace
}  // namespace greenroom::runtime
