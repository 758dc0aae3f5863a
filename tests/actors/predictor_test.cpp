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
void teach(office& node, int rounds, std::mt19937_64& chance) {
  std::exponential_distribution<double> pause{1.0 / 120};
  for (int i = 0; i < rounds; ++i) {
    node.ask("d0-s0");
    node.pass(2s);
    node.ask("d1-s1");
    node.pass(std::chrono::milliseconds{static_cast<int>(1000 * pause(chance))});
    if (chance() % 3 == 0) node.ask("d0-s2");
    node.pass(10s);
  }
}

/// The learned state that such a node saves before it is closed.
std::string learnt_in(int rounds, std::uint64_t seed) {
  office node{learning_cast()};
  node.open();
  std::mt19937_64 chance{seed};
  teach(node, rounds, chance);
  node.close();
  return node.shared->forecast.learned.latest(learned_state::part::predictor);
}

TEST(Predictor, HasTheNextOneWarmBeforeItsTaskComes) {
  office node{learning_cast()};
  node.open();
  std::mt19937_64 chance{3};
  teach(node, 40, chance);
  node.pass(60s);
  node.put_away(5);
  node.pass(4s);  // The manual cool holds for the cooldown.
  ASSERT_FALSE(node.is_up("d1-s1"));
  node.ask("d0-s0");
  node.pass(1s);
  EXPECT_TRUE(node.is_up("d1-s1")) << "not started ahead of its task";
  const auto next = node.ask("d1-s1");
  node.pass(1s);
  EXPECT_EQ(next->ends, 1);
  EXPECT_FALSE(next->cold);
  EXPECT_GT(node.shared->pools.of(protocols::pool_kind::intelligent).gauge.prewarm_hits.load(), 0u);
  const auto board =
      node.shared->forecast.read([](const actors::forecast_board::content& of) { return of; });
  EXPECT_GT(board.accuracy.scored, 0u);
  EXPECT_FALSE(board.ranks.empty());
  EXPECT_TRUE(node.everyone_heard_once());
}

TEST(Predictor, IsReplacedWhenItDiesAndGoesOnWithWhatWasSaved) {
  office node{learning_cast()};
  node.open();
  std::mt19937_64 chance{4};
  teach(node, 40, chance);
  node.pass(70s);  // The predictor saves every minute.
  ASSERT_FALSE(node.shared->forecast.learned.latest(learned_state::part::predictor).empty());
  node.kill("predictor");
  node.pass(10s);
  EXPECT_EQ(node.heard("actor.lost"), 1u);
  EXPECT_EQ(node.losses(R"({"actor":"predictor"})"), 1u);
  EXPECT_EQ(node.heard("learned.damaged"), 0u);
  node.put_away(5);
  node.ask("d0-s0");
  node.pass(1s);
  const auto board =
      node.shared->forecast.read([](const actors::forecast_board::content& of) { return of; });
  ASSERT_FALSE(board.expected.empty()) << "it has forgotten";
  EXPECT_EQ(board.expected.front().who, 5u);
  EXPECT_TRUE(node.everyone_heard_once());
}

TEST(Predictor, FollowsTheNamesWhenTheCastComesInAnotherOrder) {
  const auto learnt = learnt_in(40, 5);
  ASSERT_FALSE(learnt.empty());
  auto config = learning_cast();
  std::swap(config.departments[0], config.departments[1]);
  auto& first = config.departments[0].specialists;
  first.insert(first.begin(), first.front());
  first.front().name = "newcomer";
  office node{config};
  node.shared->forecast.learned.keep(learned_state::part::predictor, learnt);
  node.open();
  EXPECT_EQ(node.heard("learned.damaged"), 0u);
  node.ask("d0-s0");
  node.pass(1s);
  const auto board =
      node.shared->forecast.read([](const actors::forecast_board::content& of) { return of; });
  ASSERT_FALSE(board.expected.empty());
  EXPECT_EQ(node.shared->catalogs.now().name_of(board.expected.front().who), "d1-s1");
}

TEST(Predictor, ForgetsNamesThatReloadsHaveTakenOut) {
  auto config = learning_cast();
  office node{config};
  node.open();
  for (int i = 0; i < 1500; ++i) {
    config.departments[0].specialists[0].name = "passing-" + std::to_string(i);
    ASSERT_TRUE(node.shared->replace_catalog(
        actors::make_catalog(config, &node.shared->catalogs.now(), {}, node.shared->vacant())));
    caf::anon_send(node.root, protocols::settings_changed{});
    node.world.dispatch();
  }
  node.ask("passing-1499");
  node.pass(70s);  // The predictor saves every minute.
  const auto kept = node.shared->forecast.learned.latest(learned_state::part::predictor);
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
  office node{learning_cast()};
  node.shared->forecast.learned.keep(learned_state::part::predictor, learnt);
  node.open();
  EXPECT_EQ(node.heard("learned.damaged"), 1u);
  EXPECT_EQ(node.heard("learned.skipped"), 0u);
}

TEST(Predictor, SetsADamagedStateAsideAndStartsAnew) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("greenroom-learned-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  for (const auto* name : {"predictor.state", "policy.state"})
    std::ofstream{folder / name} << "greenroom predictor\nnonsense";
  {
    office node{learning_cast()};
    ASSERT_TRUE(node.shared->forecast.learned.open(folder.string()));
    node.open();
    EXPECT_EQ(node.heard("learned.damaged"), 2u);
    node.ask("d0-s0");
    node.pass(1s);
    EXPECT_TRUE(node.everyone_heard_once());
    node.close();
    EXPECT_TRUE(node.shared->forecast.learned.write());
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
  office node{config};
  node.open();
  std::mt19937_64 chance{6};
  for (int i = 0; i < 20; ++i) {
    for (const auto& step : config.workflows[0].steps) {
      node.ask(step);
      node.pass(2s);
    }
    node.pass(60s);
  }
  EXPECT_GE(node.heard("workflow.detected"), 5u);
  EXPECT_EQ(node.shared->forecast.workflows_detected.load(), node.heard("workflow.detected"));
}

TEST(Predictor, DetectsAWorkflowThatAReloadBrought) {
  auto config = learning_cast();
  office node{config};
  node.open();
  node.ask("d0-s0");
  node.pass(1s);
  config.workflows.push_back({"AUDIT", {"d0-s1", "d1-s2", "d0-s3", "d1-s3"}});
  const auto& before = node.shared->catalogs.now();
  ASSERT_TRUE(node.shared->replace_catalog(
      actors::make_catalog(config, &before, [](std::string_view) { return false; })));
  caf::anon_send(node.root, protocols::settings_changed{});
  node.pass(1s);
  for (int i = 0; i < 20; ++i) {
    for (const auto& step : config.workflows[0].steps) {
      node.ask(step);
      node.pass(2s);
    }
    node.pass(60s);
  }
  EXPECT_GE(node.heard("workflow.detected"), 5u);
  EXPECT_EQ(node.heard("actor.lost"), 0u);
  EXPECT_TRUE(node.everyone_heard_once());
}

}  // namespace
}  // namespace greenroom::tests
