// Which parts survive the loss of which actor, in virtual time.
#include "actors/supervision/root.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::task_state;

/// The actor that the test kills, and the text of its loss event.
struct victim {
  const char* name;
  const char* said;
};
void PrintTo(const victim& one, std::ostream* to) { *to << one.name; }

class EveryActor : public ::testing::TestWithParam<victim> {};

TEST_P(EveryActor, MayDieWhileOneTaskRunsAndOneWaitsAndBothEndOnce) {
  stage node{small_cast(1, 1)};
  node.options.with_monitor_and_rollout = node.options.with_predictor = true;
  node.open();
  auto running = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  auto waiting = node.ask("d0-s0");
  node.world.dispatch();
  node.kill(GetParam().name);
  node.world.dispatch();
  EXPECT_EQ(node.losses(GetParam().said), 1u);
  auto later = node.ask("d0-s0");
  for (int i = 0; i < 50; ++i) {
    node.world.advance(100ms);
    for (auto& one : node.all) {
      if (one->gone) continue;
      if (one->stopping) one->die();
      one->get_ready();
      one->finish_one();
    }
  }
  EXPECT_EQ(running->state, task_state::completed);
  EXPECT_EQ(waiting->state, task_state::completed);
  EXPECT_EQ(later->state, task_state::completed);
  EXPECT_TRUE(node.everyone_heard_once());
  std::size_t lost = 0;
  for (const auto& one : node.events()) lost += one.starts_with("actor.lost");
  std::string story;
  for (const auto& one : node.events()) story += "\n" + one;
  node.shared->ledger.for_each([&](const protocols::task_ptr& job) {
    story += "\nlocation " + std::to_string(static_cast<int>(job->location.load())) + " phase "
             + std::to_string(static_cast<int>(job->phase)) + " holder "
             + std::to_string(job->holder) + " dispatched " + std::to_string(job->dispatch_index)
             + " refs " + std::to_string(job->references.load()) + " attempts "
             + std::to_string(job->attempts);
  });
  for (const auto& one : node.all)
    story +=
        "\nworker gone " + std::to_string(one->gone) + " holds " + std::to_string(one->held.size());
  EXPECT_TRUE(lost == 1 && node.everyone_heard_once())
      << story << "\nstarts " << node.starts["d0-s0"];
}

INSTANTIATE_TEST_SUITE_P(Below, EveryActor,
                         ::testing::Values(victim{"dispatcher", R"({"actor":"dispatcher"})"},
                                           victim{"monitor", R"({"actor":"monitor"})"},
                                           victim{"rollout", R"({"actor":"rollout"})"},
                                           victim{"rollback", R"({"actor":"rollback"})"},
                                           victim{"predictor", R"({"actor":"predictor"})"},
                                           victim{"pool", R"({"actor":"intelligent pool"})"},
                                           victim{"director", R"({"actor":"director"})"},
                                           victim{"department D0", R"({"department":"D0"})"},
                                           victim{"specialist d0-s0",
                                                  R"({"specialist":"d0-s0"})"}));

TEST(Root, GivesUpWhenOneOfItsOwnDiesTooOften) {
  auto config = small_cast(1, 1);
  config.supervision.restarts_max = 3;
  stage node{config};
  node.open();
  for (std::size_t i = 1; i <= 3; ++i) {
    node.kill("dispatcher");
    node.world.advance(2s);
    EXPECT_EQ(node.losses(R"({"actor":"dispatcher"})"), i);
    EXPECT_EQ(node.happened("actor.back", R"({"actor":"dispatcher"})"), i);
    EXPECT_TRUE(node.collapsed.empty());
  }
  node.kill("dispatcher");
  node.world.advance(2s);
  EXPECT_NE(node.collapsed.find("dispatcher"), std::string::npos);
}

TEST(Root, CountsAMessageThatItDoesNotHandleAndSaysItOnce) {
  stage node{small_cast(1, 1)};
  node.open();
  for (int i = 0; i < 3; ++i)
    caf::anon_send(caf::actor_cast<caf::actor>(node.root), std::string{"what is this?"});
  node.world.dispatch();
  EXPECT_EQ(node.shared->unexpected.total(), 3U);
  node.unexpected_wanted = 3;
  int said = 0;
  for (const auto& one : node.events())
    if (one.find("actor.unexpected_message") == 0) {
      ++said;
      EXPECT_NE(one.find("greenroom.root"), std::string::npos) << one;
      EXPECT_NE(one.find("what is this?"), std::string::npos) << one;
    }
  EXPECT_EQ(said, 1);
}

}  // namespace
}  // namespace greenroom::tests
