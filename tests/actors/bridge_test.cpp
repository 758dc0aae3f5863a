// The way in, in virtual time.
#include "actors/bridge.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure;

TEST(Bridge, EndsWhatIsLateWhereverItIsAndNothingElse) {
  auto config = small_cast(1, 2);
  config.departments[0].specialists[0].backend.task_timeout = 1s;
  config.departments[0].specialists[1].backend.task_timeout = 5s;
  stage play{config};
  play.open();
  auto early = play.ask("d0-s0");
  auto late = play.ask("d0-s1");
  play.world.advance(1s - 1ms);
  EXPECT_EQ(early->ends, 0);
  play.world.advance(11ms);
  EXPECT_EQ(early->why, failure::out_of_time);
  EXPECT_EQ(late->ends, 0);
}

TEST(Bridge, TakesWhatCameInBeforeItLived) {
  stage play{small_cast(1, 1)};
  auto who = play.ask("d0-s0");  // Nobody is there yet.
  play.open();
  play.world.dispatch();
  play.worker("d0-s0").get_ready();
  play.world.dispatch();
  play.worker("d0-s0").finish_one();
  play.world.dispatch();
  EXPECT_EQ(who->ends, 1);
}

TEST(Bridge, PassesABatchOnWithOneWakeUp) {
  auto config = small_cast(1, 1);
  config.queue.per_specialist = 1000;
  stage play{config};
  play.open();
  for (int i = 0; i < 500; ++i) play.ask("d0-s0");
  play.world.dispatch();
  EXPECT_EQ(play.house->pool(protocols::pool_kind::intelligent).specialists[0]->gauge.depth(),
            500u);
}

}  // namespace
}  // namespace greenroom::tests
