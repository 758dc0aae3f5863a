// Tasks that run out of time, and the reason that the caller gets.
#include "actors/tasks/department.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::task_state;

TEST(DepartmentDeadlines, LetsNobodyWaitPastTheDeadline) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.advance(2s - 1ms);
  EXPECT_EQ(who->ends, 0);
  node.world.advance(12ms);
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output, "the deadline passed while its worker started");
}

TEST(DepartmentDeadlines, TellsWhoRanOutOfTimeWhatTheLastAttemptDiedOf) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  config.breaker.failures = 100;
  stage node{config};
  node.open();
  const auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(true);
  node.world.advance(200ms);
  node.worker("d0-s0").die();
  node.world.advance(2s);
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output,
            "the deadline passed while its worker started; attempt 2 failed: the worker died");
}

TEST(DepartmentDeadlines, TellsHowTheFirstAttemptEndedWhenTheSecondTimesOut) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  stage node{config};
  node.open();
  const auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(true);
  node.world.advance(3s);
  EXPECT_EQ(who->output, "the deadline passed while it ran; attempt 1 failed: it failed");
}

TEST(DepartmentDeadlines, TellsWhoRanOutOfTimeThatTheCircuitWasOpen) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  config.breaker.failures = 2;
  stage node{config};
  node.open();
  const auto who = node.ask("d0-s0");
  const auto behind = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  // One task is retried before the other's failure opens the circuit, and fails again.
  for (int i = 0; i < 3; ++i) {
    node.world.advance(200ms);
    node.worker("d0-s0").fail_one(true);
  }
  node.world.advance(2s);
  const std::string circuit = "the deadline passed while the circuit of its specialist was open";
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output, circuit + "; attempt 2 failed: it failed");
  EXPECT_EQ(behind->output, circuit + "; attempt 1 failed: it failed");
}

TEST(DepartmentDeadlines, TellsWhoWaitedForAnotherToLeaveThatItWasForASlot) {
  auto config = small_cast(1, 2);
  config.pool.max_warm = 1;
  config.departments[0].specialists[1].backend.task_timeout = 2s;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  const auto who = node.ask("d0-s1");
  node.world.advance(3s);
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output, "the deadline passed while it waited for a warm slot (pool.max_warm)");
  EXPECT_EQ(node.starts.count("d0-s1"), 0u);
}

TEST(DepartmentDeadlines, StopsAWorkerThatIgnoresADeadline) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  config.departments[0].specialists[0].backend.stop_timeout = 500ms;
  stage node{config};
  node.open();
  auto late = node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").get_ready();
  node.world.advance(1s);
  task_request patient;
  patient.timeout = 10s;
  auto other = node.ask("d0-s0", patient);
  node.world.advance(1100ms);
  EXPECT_EQ(late->why, failure::out_of_time);
  EXPECT_GT(node.worker("d0-s0").cancels, 0);
  EXPECT_FALSE(node.worker("d0-s0").stopping) << "it may still let go";
  node.world.advance(700ms);
  EXPECT_TRUE(node.worker("d0-s0").stopping);
  EXPECT_EQ(node.starts["d0-s0"], 1) << "its slot is held until it is really gone";
  node.worker("d0-s0").die();
  node.world.advance(200ms);
  ASSERT_EQ(node.starts["d0-s0"], 2);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(other->state, task_state::completed);
}

}  // namespace
}  // namespace greenroom::tests
