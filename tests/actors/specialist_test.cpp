// One specialist and its worker, in virtual time.
#include "actors/tasks/specialist.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::task_state;

TEST(Specialist, StopsAnIdleWorkerThatDoesNotAnswerAProbe) {
  stage node{small_cast(1, 1)};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  caf::anon_send(node.root, protocols::check_workers{});
  node.world.dispatch();
  EXPECT_EQ(node.worker("d0-s0").pings, 1);
  node.worker("d0-s0").pong();
  node.world.dispatch();
  caf::anon_send(node.root, protocols::check_workers{});
  node.world.dispatch();
  EXPECT_FALSE(node.worker("d0-s0").stopping);
  caf::anon_send(node.root, protocols::check_workers{});
  node.world.dispatch();
  EXPECT_TRUE(node.worker("d0-s0").stopping);
}

TEST(Specialist, IgnoresWhatAWorkerOfAnEarlierLifeStillSays) {
  stage node{small_cast(1, 1)};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  auto first = node.workers.at("d0-s0");
  first->get_ready();
  node.world.dispatch();
  auto stolen = first->held;  // The dead worker goes on with the task.
  first->die();
  node.world.advance(1s);
  first->held = stolen;
  first->finish_one();
  node.world.dispatch();
  EXPECT_EQ(who->ends, 0);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->attempts, 2u);
  first->held.clear();
  stolen.clear();
}

TEST(Specialist, KeepsAWorkerThatLetsGoOfWhatNobodyWaitsFor) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.stop_timeout = 5s;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  for (int i = 0; i < 3; ++i) {
    const auto gone = i == 0 ? node.last : (node.ask("d0-s0"), node.last);
    node.world.dispatch();
    EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(gone)));
    // Each cancel gets the full grace, however long the ones before took.
    node.world.advance(4s);
    EXPECT_GT(node.worker("d0-s0").cancels, i);
    node.finish_one("d0-s0");
    EXPECT_FALSE(node.worker("d0-s0").stopping) << i;
  }
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  node.world.advance(6s);
  EXPECT_EQ(node.starts["d0-s0"], 1);
}

TEST(Specialist, StopsAWorkerThatDoesNotLetGoInTimeAndNotBefore) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.stop_timeout = 5s;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(node.last)));
  node.world.advance(4900ms);
  EXPECT_FALSE(node.worker("d0-s0").stopping);
  node.world.advance(500ms);
  EXPECT_TRUE(node.worker("d0-s0").stopping);
}

TEST(Specialist, DoesNotStopAWorkerThatWorksForOthersToo) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.stop_timeout = 1s;
  config.departments[0].specialists[0].backend.concurrency = 2;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  const auto first = node.last;
  auto other = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(first)));
  node.world.advance(5s);
  EXPECT_FALSE(node.worker("d0-s0").stopping);
  std::swap(node.worker("d0-s0").held.front(), node.worker("d0-s0").held.back());
  node.finish_one("d0-s0");
  EXPECT_EQ(other->state, task_state::completed);
  node.world.advance(2s);
  EXPECT_TRUE(node.worker("d0-s0").stopping) << "and now it works for nobody";
}

// The worker lets go of one cancelled task at 4 s, when another was cancelled at 3 s.
TEST(Specialist, GivesAWorkerTheWholeGraceForEachCancelledTask) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.stop_timeout = 5s;
  config.departments[0].specialists[0].backend.concurrency = 2;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  const auto first = node.last;
  node.ask("d0-s0");
  const auto second = node.last;
  node.world.dispatch();
  node.get_ready("d0-s0");
  auto& worker = node.worker("d0-s0");
  ASSERT_EQ(worker.held.size(), 2u);
  EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(first)));
  node.world.advance(3s);
  EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(second)));
  node.world.advance(1s);
  ASSERT_EQ(worker.held.front()->id, first);
  node.finish_one("d0-s0");
  node.world.advance(3900ms);
  EXPECT_FALSE(worker.stopping);
  node.world.advance(500ms);
  EXPECT_TRUE(worker.stopping);
}

// The pool is left while a cancelled task runs, and used again.
TEST(Specialist, GivesTheWholeGraceAfterItsTasksWereTakenAway) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.stop_timeout = 5s;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  auto& worker = node.worker("d0-s0");
  EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(node.last)));
  node.world.advance(1s);
  ASSERT_GT(worker.cancels, 0);
  worker.forgets = true;
  caf::anon_send(node.shared->pools.of(protocols::pool_kind::intelligent).specialists[0].actor,
                 protocols::give_back_tasks{true});
  node.world.dispatch();
  ASSERT_TRUE(worker.held.empty());
  ASSERT_FALSE(worker.stopping);
  node.ask("d0-s0");
  node.world.advance(2s);
  ASSERT_EQ(worker.held.size(), 1u);
  EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(node.last)));
  node.world.advance(4900ms);
  EXPECT_FALSE(worker.stopping);
  node.world.advance(500ms);
  EXPECT_TRUE(worker.stopping);
}

TEST(Specialist, MeasuresStartsAndRuns) {
  stage node{small_cast(1, 1)};
  node.open();
  node.ask("d0-s0");
  node.world.advance(300ms);
  node.worker("d0-s0").get_ready();
  node.world.advance(40ms);
  node.finish_one("d0-s0");
  const auto& gauge = node.shared->pools.of(protocols::pool_kind::intelligent).specialists[0].gauge;
  EXPECT_EQ(gauge.start_ns.load(), 300'000'000);
  EXPECT_EQ(gauge.run_ns.load(), 40'000'000);
}

}  // namespace
}  // namespace greenroom::tests
