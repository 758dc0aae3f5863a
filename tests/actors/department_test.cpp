// Departments in virtual time, inside the whole tree.
#include "actors/tasks/department.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using base::worker_state;
using protocols::failure, protocols::priority, protocols::task_state;

TEST(Department, SharesOneStartAmongAllWhoWaitForIt) {
  stage node{small_cast(1, 1)};
  node.open();
  for (int i = 0; i < 5; ++i) node.ask("d0-s0");
  node.world.dispatch();
  EXPECT_EQ(node.starts["d0-s0"], 1);
  node.worker("d0-s0").get_ready();
  for (int i = 0; i < 5; ++i) {
    node.world.dispatch();
    node.worker("d0-s0").finish_one();
  }
  node.world.dispatch();
  EXPECT_TRUE(node.everyone_heard_once());
  EXPECT_EQ(node.starts["d0-s0"], 1);
  EXPECT_TRUE(node.callers.front()->cold);
}

TEST(Department, GivesAWorkerNoMoreThanItsConcurrency) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.concurrency = 2;
  stage node{config};
  node.open();
  for (int i = 0; i < 6; ++i) node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  EXPECT_EQ(node.worker("d0-s0").held.size(), 2u);
  node.finish_one("d0-s0");
  EXPECT_EQ(node.worker("d0-s0").held.size(), 2u);
}

TEST(Department, KeepsTheSlotOfAWorkerThatDiedWithATask) {
  auto config = small_cast(1, 2);
  config.pool.max_warm = 1;
  stage node{config};
  node.open();
  const auto first = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  const auto second = node.ask("d0-s1");
  node.world.dispatch();
  node.worker("d0-s0").die();
  node.world.advance(1s);
  EXPECT_EQ(node.starts["d0-s0"], 2) << "it starts again in its own slot";
  EXPECT_EQ(node.starts.count("d0-s1"), 0u);
  node.get_ready("d0-s0");
  node.worker("d0-s0").finish_one();
  node.world.advance(10s);
  EXPECT_EQ(first->ends, 1);
  EXPECT_EQ(first->attempts, 2u);
  EXPECT_TRUE(node.worker("d0-s0").stopping) << "and then it is the other's turn";
  node.worker("d0-s0").die();
  node.world.advance(1s);
  EXPECT_EQ(node.starts["d0-s1"], 1);
  EXPECT_EQ(second->ends, 0);
}

TEST(Department, StartsNoWorkerOnceTheGraceOfADrainIsOver) {
  auto config = small_cast(1, 3);
  config.departments[0].specialists[2].pin = true;
  stage node{config};
  node.open();
  node.worker("d0-s2").get_ready();
  node.ask("d0-s0");
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.shared->gauge.closing = true;
  node.worker("d0-s0").die();
  node.worker("d0-s2").die();
  node.ask("d0-s1");
  node.world.advance(10s);
  EXPECT_EQ(node.starts["d0-s0"], 1);
  EXPECT_EQ(node.starts["d0-s1"], 0);
  EXPECT_EQ(node.starts["d0-s2"], 1);
}

TEST(Department, ServesHigherPrioritiesFirst) {
  stage node{small_cast(1, 1)};
  node.open();
  task_request low;
  low.urgency = priority::low;
  task_request high;
  high.urgency = priority::high;
  auto last = node.ask("d0-s0", low);
  auto first = node.ask("d0-s0", high);
  auto second = node.ask("d0-s0", high);
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(first->ends, 1);
  EXPECT_EQ(last->ends, 0);
  node.finish_one("d0-s0");
  EXPECT_EQ(second->ends, 1);
  EXPECT_EQ(last->ends, 0);
}

TEST(Department, ForgetsACancelledTaskWhereverItIs) {
  stage node{small_cast(1, 1)};
  node.open();
  auto running = node.ask("d0-s0");
  const auto running_id = node.last;
  auto waiting = node.ask("d0-s0");
  const auto waiting_id = node.last;
  auto third = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(waiting_id)));
  EXPECT_EQ(waiting->state, task_state::cancelled);
  EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(running_id)));
  EXPECT_EQ(running->state, task_state::cancelled);
  node.world.advance(300ms);
  EXPECT_TRUE(node.worker("d0-s0").cancels > 0);
  node.worker("d0-s0").die();
  node.world.advance(300ms);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(third->state, task_state::completed);
  EXPECT_TRUE(node.everyone_heard_once());
}

// A task that waits for the slot ends in one of three ways; the next caller is served as if that
// task had never waited.
TEST(Department, ServesWhoCallsAfterOneThatGaveUpWaitingForASlot) {
  for (const auto how : {"time-out", "cancel", "both"}) {
    SCOPED_TRACE(how);
    auto config = small_cast(1, 2);
    config.pool.max_warm = 1;
    config.pool.min_residency = 0ms;
    stage node{config};
    node.open();
    node.ask("d0-s0");
    node.world.dispatch();
    node.get_ready("d0-s0");
    task_request impatient;
    if (how != std::string_view{"cancel"}) impatient.timeout = 300ms;
    node.ask("d0-s1", impatient);
    node.world.advance(200ms);
    if (how != std::string_view{"time-out"})
      static_cast<void>(node.desk.cancel(*node.shared->ledger.find(node.last)));
    node.world.advance(2s);
    node.finish_one("d0-s0");
    node.world.advance(1500ms);
    const auto next = node.ask("d0-s1");
    node.world.advance(50ms);
    ASSERT_TRUE(node.worker("d0-s0").stopping);
    node.worker("d0-s0").die();
    node.world.advance(50ms);
    ASSERT_EQ(node.starts["d0-s1"], 1);
    node.get_ready("d0-s1");
    node.finish_one("d0-s1");
    EXPECT_EQ(next->state, task_state::completed);
  }
}

TEST(Department, EndsWhoAsksForOneThatWasTakenOut) {
  auto config = small_cast(1, 2);
  stage node{config};
  node.open();
  const auto early = node.ask("d0-s1");  // Admitted, but its department has not seen it yet.
  config.departments[0].specialists.pop_back();
  static_cast<void>(
      node.shared->replace_catalog(actors::make_catalog(config, &node.shared->catalogs.now())));
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.advance(100ms);
  if (early->ends == 0 && node.workers.contains("d0-s1")) {
    node.get_ready("d0-s1");
    node.finish_one("d0-s1");
  }
  EXPECT_EQ(early->ends, 1);
}

// A specialist returns prefetched tasks when the pool is drained; its worker stays.
TEST(Department, GoesOnWithAWorkerThatGaveBackWhatItHeldAhead) {
  auto config = small_cast(1, 1);
  stage node{config};
  node.open();
  const auto first = node.ask("d0-s0");
  const auto second = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  caf::anon_send(node.shared->pools.of(protocols::pool_kind::intelligent).specialists[0].actor,
                 protocols::give_back_tasks{});
  node.world.dispatch();
  node.finish_one("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(first->state, task_state::completed);
  EXPECT_EQ(second->state, task_state::completed);
  EXPECT_EQ(node.starts["d0-s0"], 1);
}

}  // namespace
}  // namespace greenroom::tests
