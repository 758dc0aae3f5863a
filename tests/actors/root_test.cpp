// Which parts survive the loss of which actor, in virtual time.
#include "actors/supervision/root.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::task_state;

// How `(drop_atom, number)` selects an actor; see root.cpp, pool.cpp and department.cpp.
constexpr std::uint64_t kill_dispatcher = 0;
constexpr std::uint64_t kill_pool = 1;
constexpr std::uint64_t kill_director = 15 + 16 * 0;
constexpr std::uint64_t kill_department = 15 + 16 * 1;

class EveryActor : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(EveryActor, MayDieWhileOneTaskRunsAndOneWaitsAndBothEndOnce) {
  stage play{small_cast(1, 1)};
  play.open();
  auto running = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  auto waiting = play.ask("d0-s0");
  play.world.dispatch();
  caf::anon_send(play.root, protocols::drop_atom::value, GetParam());
  play.world.dispatch();
  auto later = play.ask("d0-s0");
  for (int i = 0; i < 50; ++i) {
    play.world.advance(100ms);
    for (auto& one : play.all) {
      if (one->gone) continue;
      if (one->stopping) one->die();
      one->get_ready();
      one->finish_one();
    }
  }
  EXPECT_EQ(running->state, task_state::completed);
  EXPECT_EQ(waiting->state, task_state::completed);
  EXPECT_EQ(later->state, task_state::completed);
  EXPECT_TRUE(play.everyone_heard_once());
  bool said = false;
  for (const auto& one : play.events()) said = said || one.starts_with("actor.lost");
  std::string story;
  for (const auto& one : play.events()) story += "\n" + one;
  play.shared->ledger.for_each([&](const protocols::task_ptr& job) {
    story += "\nplace " + std::to_string(static_cast<int>(job->place.load())) + " phase "
             + std::to_string(static_cast<int>(job->phase)) + " holder "
             + std::to_string(job->holder) + " hand " + std::to_string(job->hand) + " refs "
             + std::to_string(job->references.load()) + " attempts "
             + std::to_string(job->attempts);
  });
  for (const auto& one : play.all)
    story +=
        "\nworker gone " + std::to_string(one->gone) + " holds " + std::to_string(one->held.size());
  EXPECT_TRUE(said && play.everyone_heard_once()) << story << "\nstarts " << play.starts["d0-s0"];
}

INSTANTIATE_TEST_SUITE_P(Below, EveryActor,
                         ::testing::Values(kill_dispatcher, kill_pool, kill_director,
                                           kill_department, kill_specialist));

TEST(Root, GivesUpWhenOneOfItsOwnDiesTooOften) {
  auto config = small_cast(1, 1);
  config.supervision.restarts_max = 3;
  stage play{config};
  play.open();
  for (int i = 0; i < 3; ++i) {
    caf::anon_send(play.root, protocols::drop_atom::value, kill_dispatcher);
    play.world.advance(2s);
    EXPECT_TRUE(play.collapsed.empty());
  }
  caf::anon_send(play.root, protocols::drop_atom::value, kill_dispatcher);
  play.world.advance(2s);
  EXPECT_NE(play.collapsed.find("dispatcher"), std::string::npos);
}

}  // namespace
}  // namespace greenroom::tests
