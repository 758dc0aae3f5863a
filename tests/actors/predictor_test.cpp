// Prediction in virtual time: from arrivals to a worker that is warm before its task.
#include "actors/pooling/predictor.hpp"

#include "tests/support/office.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using actors::learned_state;
using actors::root_state;

config::node learning_cast() {
  auto config = small_cast(2, 4);
  config.pool.max_warm = 4;
  config.pool.min_residency = 1s;
  config.pool.cooldown = 5s;
  config.pool.target_memory = 0.1;  // Room only for what is expected next.
  return config;
}

// The second specialist is called two seconds after the first; others at random.
void teach(office& play, int rounds, std::mt19937_64& chance) {
  std::exponential_distribution<double> pause{1.0 / 120};
  for (int i = 0; i < rounds; ++i) {
    play.ask("d0-s0");
    play.pass(2s);
    play.ask("d1-s1");
    play.pass(std::chrono::milliseconds{static_cast<int>(1000 * pause(chance))});
    if (chance() % 3 == 0) play.ask("d0-s2");
    play.pass(10s);
  }
}

/// The learned state that such a node saves before it is closed.
std::string learnt_in(int rounds, std::uint64_t seed) {
  office play{learning_cast()};
  play.open();
  std::mt19937_64 chance{seed};
  teach(play, rounds, chance);
  play.close();
  return play.shared->forecast.learned.latest(learned_state::part::predictor);
}

TEST(Predictor, HasTheNextOneWarmBeforeItsTaskComes) {
  office play{learning_cast()};
  play.open();
  std::mt19937_64 chance{3};
  teach(play, 40, chance);
  play.pass(60s);
  play.put_away(5);
  play.pass(4s);  // The manual cool holds for the cooldown.
  ASSERT_FALSE(play.is_up("d1-s1"));
  play.ask("d0-s0");
  play.pass(1s);
  EXPECT_TRUE(play.is_up("d1-s1")) << "not started ahead of its task";
  const auto next = play.ask("d1-s1");
  play.pass(1s);
  EXPECT_EQ(next->ends, 1);
  EXPECT_FALSE(next->cold);
  EXPECT_GT(play.shared->pools.of(protocols::pool_kind::intelligent).gauge.prewarm_hits.load(), 0u);
  const auto board =
      play.shared->forecast.read([](const actors::forecast_board::content& of) { return of; });
  EXPECT_GT(board.accuracy.scored, 0u);
  EXPECT_FALSE(board.ranks.empty());
  EXPECT_TRUE(play.everyone_heard_once());
}

TEST(Predictor, IsReplacedWhenItDiesAndGoesOnWithWhatWasSaved) {
  office play{learning_cast()};
  play.open();
  std::mt19937_64 chance{4};
  teach(play, 40, chance);
  play.pass(70s);  // The predictor saves every minute.
  ASSERT_FALSE(play.shared->forecast.learned.latest(learned_state::part::predictor).empty());
  play.kill("predictor");
  play.pass(10s);
  EXPECT_EQ(play.heard("actor.lost"), 1u);
  EXPECT_EQ(play.losses(R"({"actor":"predictor"})"), 1u);
  EXPECT_EQ(play.heard("learned.damaged"), 0u);
  play.put_away(5);
  play.ask("d0-s0");
  play.pass(1s);
  const auto board =
      play.shared->forecast.read([](const actors::forecast_board::content& of) { return of; });
  ASSERT_FALSE(board.expected.empty()) << "it has forgotten";
  EXPECT_EQ(board.expected.front().who, 5u);
  EXPECT_TRUE(play.everyone_heard_once());
}

TEST(Predictor, FollowsTheNamesWhenTheCastComesInAnotherOrder) {
  const auto learnt = learnt_in(40, 5);
  ASSERT_FALSE(learnt.empty());
  auto config = learning_cast();
  std::swap(config.departments[0], config.departments[1]);
  auto& first = config.departments[0].specialists;
  first.insert(first.begin(), first.front());
  first.front().name = "newcomer";
  office play{config};
  play.shared->forecast.learned.keep(learned_state::part::predictor, learnt);
  play.open();
  EXPECT_EQ(play.heard("learned.damaged"), 0u);
  play.ask("d0-s0");
  play.pass(1s);
  const auto board =
      play.shared->forecast.read([](const actors::forecast_board::content& of) { return of; });
  ASSERT_FALSE(board.expected.empty());
  EXPECT_EQ(play.shared->catalogs.now().name_of(board.expected.front().who), "d1-s1");
}

TEST(Predictor, ForgetsNamesThatReloadsHaveTakenOut) {
  auto config = learning_cast();
  office play{config};
  play.open();
  for (int i = 0; i < 1500; ++i) {
    config.departments[0].specialists[0].name = "passing-" + std::to_string(i);
    ASSERT_TRUE(play.shared->replace_catalog(
        actors::make_catalog(config, &play.shared->catalogs.now(), {}, play.shared->vacant())));
    caf::anon_send(play.root, protocols::settings_changed{});
    play.world.dispatch();
  }
  play.ask("passing-1499");
  play.pass(70s);  // The predictor saves every minute.
  const auto kept = play.shared->forecast.learned.latest(learned_state::part::predictor);
  const auto named = [&](int i) {
    return kept.find("passing-" + std::to_string(i)) != std::string::npos;
  };
  EXPECT_TRUE(named(1499));
  int names = 0;
  for (int i = 0; i < 1500; ++i) names += named(i) ? 1 : 0;
  EXPECT_LT(names, 1300);
}

TEST(Predictor, SetsAStateAsideInWhichOnlyANameIsDamaged) {
  auto learnt = learnt_in(10, 6);
  const auto name = learnt.find("d0-s0");
  ASSERT_NE(name, std::string::npos);
  learnt[name] = 'x';
  office play{learning_cast()};
  play.shared->forecast.learned.keep(learned_state::part::predictor, learnt);
  play.open();
  EXPECT_EQ(play.heard("learned.damaged"), 1u);
  EXPECT_EQ(play.heard("learned.skipped"), 0u);
}

TEST(Predictor, SetsADamagedStateAsideAndStartsAnew) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("greenroom-learned-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  for (const auto* name : {"predictor.state", "policy.state"})
    std::ofstream{folder / name} << "greenroom predictor\nnonsense";
  {
    office play{learning_cast()};
    ASSERT_TRUE(play.shared->forecast.learned.open(folder.string()));
    play.open();
    EXPECT_EQ(play.heard("learned.damaged"), 2u);
    play.ask("d0-s0");
    play.pass(1s);
    EXPECT_TRUE(play.everyone_heard_once());
    play.close();
    EXPECT_TRUE(play.shared->forecast.learned.write());
  }
  for (const auto* name : {"predictor.state", "policy.state"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / (std::string{name} + ".damaged")));
    EXPECT_TRUE(std::filesystem::exists(folder / name)) << "not written anew";
  }
  std::filesystem::remove_all(folder);
}

TEST(Predictor, NamesTheWorkflowThatIsUnderWay) {
  auto config = learning_cast();
  config.workflows.push_back({"AUDIT", {"d0-s1", "d1-s2", "d0-s3", "d1-s3"}});
  office play{config};
  play.open();
  std::mt19937_64 chance{6};
  for (int i = 0; i < 20; ++i) {
    for (const auto& step : config.workflows[0].steps) {
      play.ask(step);
      play.pass(2s);
    }
    play.pass(60s);
  }
  EXPECT_GE(play.heard("workflow.detected"), 5u);
  EXPECT_EQ(play.shared->forecast.workflows_detected.load(), play.heard("workflow.detected"));
}

TEST(Predictor, DetectsAWorkflowThatAReloadBrought) {
  auto config = learning_cast();
  office play{config};
  play.open();
  play.ask("d0-s0");
  play.pass(1s);
  config.workflows.push_back({"AUDIT", {"d0-s1", "d1-s2", "d0-s3", "d1-s3"}});
  const auto& before = play.shared->catalogs.now();
  ASSERT_TRUE(play.shared->replace_catalog(
      actors::make_catalog(config, &before, [](std::string_view) { return false; })));
  caf::anon_send(play.root, protocols::settings_changed{});
  play.pass(1s);
  for (int i = 0; i < 20; ++i) {
    for (const auto& step : config.workflows[0].steps) {
      play.ask(step);
      play.pass(2s);
    }
    play.pass(60s);
  }
  EXPECT_GE(play.heard("workflow.detected"), 5u);
  EXPECT_EQ(play.heard("actor.lost"), 0u);
  EXPECT_TRUE(play.everyone_heard_once());
}

}  // namespace
}  // namespace greenroom::tests
