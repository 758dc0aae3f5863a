// The dispatcher, in virtual time.
#include "actors/tasks/dispatcher.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure;

TEST(Dispatcher, EndsEveryTaskThatIsOutOfTimeAndNoOther) {
  auto config = small_cast(1, 2);
  config.departments[0].specialists[0].backend.task_timeout = 1s;
  config.departments[0].specialists[1].backend.task_timeout = 5s;
  stage node{config};
  node.open();
  auto early = node.ask("d0-s0");
  auto late = node.ask("d0-s1");
  node.world.advance(1s - 1ms);
  EXPECT_EQ(early->ends, 0);
  node.world.advance(11ms);
  EXPECT_EQ(early->why, failure::out_of_time);
  EXPECT_EQ(late->ends, 0);
}

TEST(Dispatcher, TakesTasksThatWereAdmittedBeforeItRan) {
  stage node{small_cast(1, 1)};
  auto who = node.ask("d0-s0");  // No actor is running yet.
  node.open();
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(who->ends, 1);
}

// How many turns actors have, from the first task at the door until all of them wait for their
// worker.
std::size_t turns_for_a_batch_of(std::size_t tasks) {
  auto config = small_cast(1, 1);
  config.queue.per_specialist = 1000;
  stage node{config};
  node.open();
  for (std::size_t i = 0; i < tasks; ++i) node.ask("d0-s0");
  const auto turns = node.world.dispatch();
  // Nothing was dropped on the way.
  node.get_ready("d0-s0");
  for (std::size_t i = 0; i < tasks; ++i) node.finish_one("d0-s0");
  EXPECT_EQ(node.callers.size(), tasks);
  for (const auto& one : node.callers) {
    EXPECT_EQ(one->ends, 1);
    EXPECT_EQ(one->state, protocols::task_state::completed);
  }
  return turns;
}

TEST(Dispatcher, GivesOnABatchWithOneWakeUp) {
  const auto alone = turns_for_a_batch_of(1);
  EXPECT_GT(alone, 0u);
  EXPECT_EQ(turns_for_a_batch_of(200), alone);
  // What is more than the door gives out at a time takes a turn more each time, and not one a task.
  EXPECT_LE(turns_for_a_batch_of(500), alone + 2);
}

TEST(Admission, TakesNoMoreLargeInputsThanFitTogether) {
  auto config = small_cast(1, 2);
  config.queue.input_bytes = 100'000;
  stage node{config};
  node.open();
  const auto ask = [&](std::size_t bytes, const std::string& whom = "d0-s0") {
    task_request request;
    request.input = std::string(bytes, ' ') + "1";
    node.ask(whom, std::move(request));
    return !node.refused;
  };
  EXPECT_TRUE(ask(200'000)) << "a lone one may be larger";
  EXPECT_FALSE(ask(50'000));
  EXPECT_EQ(node.refused->why, failure::queue_full);
  EXPECT_GT(node.refused->retry_after, 0ms);
  EXPECT_NE(node.refused->detail.find("queue.input_bytes"), std::string::npos);
  EXPECT_TRUE(ask(4000)) << "small ones are bounded by their number";
  auto& gauge = node.shared->pools.of(protocols::pool_kind::intelligent).specialists[0].gauge;
  EXPECT_EQ(gauge.depth(), 2u) << "who was refused does not count";
  node.world.dispatch();
  node.worker("d0-s0").get_ready();
  for (int i = 0; i < 2; ++i) {
    node.world.dispatch();
    node.worker("d0-s0").finish_one();
  }
  node.world.dispatch();
  ASSERT_TRUE(node.everyone_heard_once());
  EXPECT_EQ(node.shared->ledger.heavy(), 0u);
  EXPECT_TRUE(ask(45'000));
  EXPECT_TRUE(ask(45'000, "d0-s1"));
  EXPECT_FALSE(ask(12'000));
}

}  // namespace
}  // namespace greenroom::tests
