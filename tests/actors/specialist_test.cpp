// One specialist and its worker, in virtual time.
#include "actors/tasks/specialist.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::task_state;

TEST(Specialist, StopsAnIdleWorkerThatDoesNotAnswerAProbe) {
  stage play{small_cast(1, 1)};
  play.open();
  play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.finish_one("d0-s0");
  caf::anon_send(play.root, protocols::check_workers{});
  play.world.dispatch();
  EXPECT_EQ(play.worker("d0-s0").pings, 1);
  play.worker("d0-s0").pong();
  play.world.dispatch();
  caf::anon_send(play.root, protocols::check_workers{});
  play.world.dispatch();
  EXPECT_FALSE(play.worker("d0-s0").stopping);
  caf::anon_send(play.root, protocols::check_workers{});
  play.world.dispatch();
  EXPECT_TRUE(play.worker("d0-s0").stopping);
}

TEST(Specialist, IgnoresWhatAWorkerOfAnEarlierLifeStillSays) {
  stage play{small_cast(1, 1)};
  play.open();
  auto who = play.ask("d0-s0");
  play.world.dispatch();
  auto first = play.workers.at("d0-s0");
  first->get_ready();
  play.world.dispatch();
  auto stolen = first->held;  // The dead worker goes on with the task.
  first->die();
  play.world.advance(1s);
  first->held = stolen;
  first->finish_one();
  play.world.dispatch();
  EXPECT_EQ(who->ends, 0);
  play.get_ready("d0-s0");
  play.finish_one("d0-s0");
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->attempts, 2u);
  first->held.clear();
  stolen.clear();
}

TEST(Specialist, KeepsAWorkerThatLetsGoOfWhatNobodyWaitsFor) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.stop_timeout = 5s;
  stage play{config};
  play.open();
  play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  for (int i = 0; i < 3; ++i) {
    const auto gone = i == 0 ? play.last : (play.ask("d0-s0"), play.last);
    play.world.dispatch();
    EXPECT_TRUE(play.desk.cancel(*play.shared->ledger.find(gone)));
    // Each cancel gets the full grace, however long the ones before took.
    play.world.advance(4s);
    EXPECT_GT(play.worker("d0-s0").cancels, i);
    play.finish_one("d0-s0");
    EXPECT_FALSE(play.worker("d0-s0").stopping) << i;
  }
  auto who = play.ask("d0-s0");
  play.world.dispatch();
  play.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  play.world.advance(6s);
  EXPECT_EQ(play.starts["d0-s0"], 1);
}

TEST(Specialist, StopsAWorkerThatDoesNotLetGoInTimeAndNotBefore) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.stop_timeout = 5s;
  stage play{config};
  play.open();
  play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  EXPECT_TRUE(play.desk.cancel(*play.shared->ledger.find(play.last)));
  play.world.advance(4900ms);
  EXPECT_FALSE(play.worker("d0-s0").stopping);
  play.world.advance(500ms);
  EXPECT_TRUE(play.worker("d0-s0").stopping);
}

TEST(Specialist, DoesNotStopAWorkerThatWorksForOthersToo) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.stop_timeout = 1s;
  config.departments[0].specialists[0].backend.concurrency = 2;
  stage play{config};
  play.open();
  play.ask("d0-s0");
  const auto first = play.last;
  auto other = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  EXPECT_TRUE(play.desk.cancel(*play.shared->ledger.find(first)));
  play.world.advance(5s);
  EXPECT_FALSE(play.worker("d0-s0").stopping);
  std::swap(play.worker("d0-s0").held.front(), play.worker("d0-s0").held.back());
  play.finish_one("d0-s0");
  EXPECT_EQ(other->state, task_state::completed);
  play.world.advance(2s);
  EXPECT_TRUE(play.worker("d0-s0").stopping) << "and now it works for nobody";
}

TEST(Specialist, MeasuresStartsAndRuns) {
  stage play{small_cast(1, 1)};
  play.open();
  play.ask("d0-s0");
  play.world.advance(300ms);
  play.worker("d0-s0").get_ready();
  play.world.advance(40ms);
  play.finish_one("d0-s0");
  const auto& gauge = play.shared->pools.of(protocols::pool_kind::intelligent).specialists[0].gauge;
  EXPECT_EQ(gauge.start_ns.load(), 300'000'000);
  EXPECT_EQ(gauge.run_ns.load(), 40'000'000);
}

}  // namespace
}  // namespace greenroom::tests
