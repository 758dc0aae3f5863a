// The default task timeout: thirty seconds, plus the start that the task waits for.
#include "protocols/task_times.hpp"
#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::task_state;

config::node slow_to_start() {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.start_timeout = 90s;
  return config;
}

TEST(TaskTime, IncludesTheStartThatATaskWaitsFor) {
  stage node{slow_to_start()};
  node.open();
  const auto who = node.ask("d0-s0");
  node.world.advance(119s);
  EXPECT_EQ(who->ends, 0);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
}

TEST(TaskTime, EndsAfterThirtySecondsAndTheStartTimeout) {
  stage node{slow_to_start()};
  node.open();
  const auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.world.advance(119s + 900ms);
  EXPECT_EQ(who->ends, 0);
  node.world.advance(200ms);
  EXPECT_EQ(who->why, failure::out_of_time);
}

TEST(TaskTime, IsThirtySecondsWhereTheWorkerIsWarm) {
  stage node{slow_to_start()};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  const auto who = node.ask("d0-s0");
  node.world.advance(29s + 900ms);
  EXPECT_EQ(who->ends, 0);
  node.world.advance(200ms);
  EXPECT_EQ(who->why, failure::out_of_time);
}

TEST(TaskTime, GrowsOnceForATaskWhoseWorkerDiesUnderIt) {
  stage node{slow_to_start()};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  const auto who = node.ask("d0-s0");
  node.world.advance(20s);
  node.worker("d0-s0").die();
  node.world.advance(40s);
  EXPECT_EQ(who->ends, 0);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
}

TEST(TaskTime, IsWhatSomebodySaysWithoutTheStart) {
  auto config = slow_to_start();
  config.departments[0].specialists[0].backend.task_timeout = 30s;
  stage node{config};
  node.open();
  const auto who = node.ask("d0-s0");
  node.world.advance(29s + 900ms);
  EXPECT_EQ(who->ends, 0);
  node.world.advance(200ms);
  EXPECT_EQ(who->why, failure::out_of_time);
  stage other{slow_to_start()};
  other.open();
  task_request request;
  request.timeout = 5s;
  const auto hasty = other.ask("d0-s0", std::move(request));
  other.world.advance(5s + 100ms);
  EXPECT_EQ(hasty->why, failure::out_of_time);
}

protocols::task_times times(std::int64_t dispatched_ns, std::int64_t start_wait_ns,
                            std::int64_t ended_ns) {
  protocols::task ended;
  ended.accepted_ns = 1000;
  ended.dispatched_ns = dispatched_ns;
  ended.start_wait_ns = start_wait_ns;
  ended.ended_ns = ended_ns;
  return protocols::times_of(ended);
}

TEST(TaskTimes, AddUpToTheTotal) {
  const auto one = times(1030, 20, 1100);
  EXPECT_EQ(one.total_ns, 100);
  EXPECT_EQ(one.run_ns, 70);
  EXPECT_EQ(one.cold_start_ns, 20);
  EXPECT_EQ(one.queue_ns, 10);
}

TEST(TaskTimes, CountATaskThatNeverRanAsQueueing) {
  const auto one = times(0, 0, 1100);
  EXPECT_EQ(one.run_ns, 0);
  EXPECT_EQ(one.queue_ns, 100);
}

TEST(TaskTimes, CountNoStartBeyondTheWait) {
  const auto one = times(1010, 500, 1100);
  EXPECT_EQ(one.cold_start_ns, 10);
  EXPECT_EQ(one.queue_ns, 0);
  EXPECT_EQ(one.run_ns, 90);
}

TEST(TaskTimes, AreNeverNegative) {
  const auto one = times(1200, 20, 900);
  EXPECT_EQ(one.total_ns, 0);
  EXPECT_EQ(one.run_ns, 0);
  EXPECT_EQ(one.cold_start_ns, 0);
  EXPECT_EQ(one.queue_ns, 0);
}

}  // namespace
}  // namespace greenroom::tests
