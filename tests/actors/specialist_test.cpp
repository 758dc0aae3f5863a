// One specialist and its worker, in virtual time.
#include "actors/specialist.hpp"

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
  caf::anon_send(play.root, protocols::check_atom::value);
  play.world.dispatch();
  EXPECT_EQ(play.worker("d0-s0").pings, 1);
  play.worker("d0-s0").pong();
  play.world.dispatch();
  caf::anon_send(play.root, protocols::check_atom::value);
  play.world.dispatch();
  EXPECT_FALSE(play.worker("d0-s0").stopping);
  caf::anon_send(play.root, protocols::check_atom::value);
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
  auto stolen = first->held;  // It goes on with the task although it is said to be dead.
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

TEST(Specialist, MeasuresStartsAndRuns) {
  stage play{small_cast(1, 1)};
  play.open();
  play.ask("d0-s0");
  play.world.advance(300ms);
  play.worker("d0-s0").get_ready();
  play.world.advance(40ms);
  play.finish_one("d0-s0");
  const auto& gauge = play.house->pool(protocols::pool_kind::intelligent).specialists[0].gauge;
  EXPECT_EQ(gauge.start_ns.load(), 300'000'000);
  EXPECT_EQ(gauge.run_ns.load(), 40'000'000);
}

}  // namespace
}  // namespace greenroom::tests
