// A reload reaches the workers: a worker with an old definition is replaced when it is idle.
#include "tests/actors/reload.hpp"
#include "actors/mailbox/dismiss.hpp"

#include <gtest/gtest.h>

#include <random>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::pool_kind, protocols::task_state;

TEST(Reload, ReplacesAnIdleWorkerWhoseCommandChanged) {
  const auto config = small_cast(1, 2);
  stage node{config};
  node.open();
  make_warm(node, "d0-s0");
  make_warm(node, "d0-s1");
  auto& old = node.worker("d0-s0");
  reload(node, with_argument(config, "-v"));
  EXPECT_TRUE(old.stopping);
  EXPECT_TRUE(runs_old(node, 0));
  EXPECT_FALSE(runs_old(node, 1));
  old.die();
  node.world.dispatch();
  EXPECT_EQ(node.starts["d0-s0"], 2);  // Without a task: the specialist was warm.
  node.get_ready("d0-s0");
  EXPECT_FALSE(runs_old(node, 0));
  EXPECT_EQ(node.starts["d0-s1"], 1);
  EXPECT_FALSE(node.worker("d0-s1").stopping);
}

TEST(Reload, LetsWhatRunsFinishAndGivesTheRestToTheNewOne) {
  const auto config = small_cast(1, 1);
  stage node{config};
  node.open();
  make_warm(node, "d0-s0");
  auto& old = node.worker("d0-s0");
  const auto running = node.ask("d0-s0");
  node.world.dispatch();
  reload(node, with_argument(config, "-v"));
  const auto later = node.ask("d0-s0");
  node.world.dispatch();
  EXPECT_FALSE(old.stopping);
  EXPECT_TRUE(runs_old(node, 0));
  old.finish_one();
  node.world.dispatch();
  EXPECT_EQ(running->state, task_state::completed);
  EXPECT_TRUE(old.stopping);
  EXPECT_TRUE(old.held.empty());
  old.die();
  node.world.dispatch();
  node.get_ready("d0-s0");
  ASSERT_EQ(node.worker("d0-s0").held.size(), 1U);
  node.finish_one("d0-s0");
  EXPECT_EQ(later->state, task_state::completed);
  EXPECT_TRUE(later->cold);
}

TEST(Reload, StartsAgainWhatIsJustBeingStarted) {
  const auto config = small_cast(1, 1);
  stage node{config};
  node.open();
  const auto who = node.ask("d0-s0");
  node.world.dispatch();
  auto& old = node.worker("d0-s0");
  reload(node, with_argument(config, "-v"));
  EXPECT_TRUE(old.stopping);
  old.die(true);
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(who->attempts, 1U);
  EXPECT_FALSE(runs_old(node, 0));
}

TEST(Reload, KeepsWorkersThatOnlyBooksChangeFor) {
  auto config = small_cast(1, 1);
  stage node{config};
  node.open();
  make_warm(node, "d0-s0");
  auto& one = config.departments[0].specialists[0];
  one.priority = config::priority::high;
  one.aliases = {"other"};
  one.backend.concurrency = 3;
  one.backend.task_timeout = 7s;
  config.pool.cooldown = 10s;
  config.breaker.failures = 9;
  reload(node, config);
  EXPECT_FALSE(node.worker("d0-s0").stopping);
  EXPECT_FALSE(runs_old(node, 0));
  // And the new concurrency applies at once.
  for (int i = 0; i < 4; ++i) node.ask("other");
  node.world.dispatch();
  EXPECT_EQ(node.worker("d0-s0").held.size(), 3U);
}

TEST(Reload, ReplacesPinnedWorkersOfBothPools) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].pin = true;
  stage node{config};
  node.options.policies[1] = node.options.policies[0];
  node.open();
  node.world.advance(100ms);
  ASSERT_EQ(node.all.size(), 2U);
  for (const auto& one : node.all) one->get_ready();
  node.world.dispatch();
  reload(node, with_argument(config, "-v"));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(node.all[i]->stopping) << i;
    node.all[i]->die();
  }
  node.world.dispatch();
  ASSERT_EQ(node.all.size(), 4U);
  for (std::size_t i = 2; i < 4; ++i) node.all[i]->get_ready();
  node.world.dispatch();
  EXPECT_FALSE(runs_old(node, 0, pool_kind::intelligent));
  EXPECT_FALSE(runs_old(node, 0, pool_kind::baseline));
}

TEST(Reload, EndsTheWorkerOfOneThatIsTakenOutWhenItIsThrough) {
  const auto config = small_cast(1, 2);
  stage node{config};
  node.open();
  make_warm(node, "d0-s1");
  const auto running = node.ask("d0-s1");
  const auto ahead = node.ask("d0-s1");
  const auto waiting = node.ask("d0-s1");
  node.world.dispatch();
  auto& old = node.worker("d0-s1");
  reload(node, small_cast(1, 1));
  EXPECT_EQ(waiting->why, failure::no_such_specialist);
  EXPECT_FALSE(old.stopping);
  old.finish_one();
  node.world.dispatch();
  old.finish_one();
  node.world.dispatch();
  EXPECT_EQ(running->state, task_state::completed);
  EXPECT_EQ(ahead->state, task_state::completed);
  EXPECT_TRUE(old.stopping);
  old.die();
  node.world.advance(5s);
  EXPECT_EQ(node.starts["d0-s1"], 1);
  EXPECT_EQ(node.processes(), 0U);
}

TEST(Reload, ReplacesALostActorWhileTasksForNewSpecialistsArrive) {
  auto config = small_cast(1, 1);
  stage node{config};
  node.open();
  make_warm(node, "d0-s0");
  replace_quietly(node, small_cast(1, 8));
  // The department learns of the loss before it reads its port.
  const auto who = node.shared->catalogs.now().find("d0-s0");
  actors::dismiss(node.shared->pools.of(pool_kind::intelligent).specialists[who].actor);
  const auto fresh = node.ask("d0-s7");
  node.world.advance(1s);
  node.get_ready("d0-s7");
  node.finish_one("d0-s7");
  EXPECT_EQ(fresh->state, task_state::completed);
  const auto again = node.ask("d0-s0");
  node.world.advance(5s);
  EXPECT_EQ(node.starts["d0-s0"], 2);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(again->state, task_state::completed);
}

// One random run of reloads while callers ask and workers start, answer and die.
class random_reloads {
public:
  explicit random_reloads(std::uint64_t seed)
      : chance_{seed}, config_{random_config(chance_)}, node_{config_} {
    node_.open();
  }

  void run() {
    for (int step = 0; step < 60; ++step) {
      take_step(step);
      if (chance_() % 2 == 0) node_.world.dispatch();
    }
    end_all_tasks();
    EXPECT_TRUE(node_.everyone_heard_once());
    for (std::uint32_t who = 0; who < 4; ++who) EXPECT_FALSE(runs_old(node_, who)) << who;
    if (testing::Test::HasFailure())
      for (const auto& each : node_.events()) ADD_FAILURE() << each;
  }

private:
  static config::node random_config(std::mt19937_64& chance) {
    auto config = small_cast(2, 2);
    config.pool.max_warm = 1 + chance() % 3;
    config.pool.cooldown = 1s;
    config.supervision.delay = 1ms;
    for (auto& department : config.departments)
      for (auto& one : department.specialists) one.backend.concurrency = 1 + chance() % 2;
    return config;
  }

  puppet& random_worker() { return *node_.all[chance_() % node_.all.size()]; }

  void take_step(int step) {
    switch (chance_() % 7) {
      case 0:
      case 1:
        node_.ask("d" + std::to_string(chance_() % 2) + "-s" + std::to_string(chance_() % 2));
        break;
      case 2:
        if (!node_.all.empty() && random_worker().started) random_worker().get_ready();
        break;
      case 3:
        if (!node_.all.empty()) random_worker().finish_one();
        break;
      case 4:
        for (const auto& one : node_.all)
          if (one->stopping) one->die();
        break;
      case 5: {
        config_ = with_argument(config_, std::to_string(step), chance_() % 2, chance_() % 2);
        auto cast = actors::make_catalog(config_, &node_.shared->catalogs.now());
        ASSERT_TRUE(node_.shared->replace_catalog(std::move(cast)));
        caf::anon_send(node_.root, protocols::settings_changed{});
        break;
      }
      default: node_.world.advance(std::chrono::milliseconds{chance_() % 50}); break;
    }
  }

  [[nodiscard]] bool is_at_rest() {
    for (std::uint32_t who = 0; who < 4; ++who)
      if (runs_old(node_, who)) return false;
    return node_.everyone_heard_once();
  }

  // From now on every worker succeeds, and every caller is answered.
  void end_all_tasks() {
    for (int turn = 0; turn < 400 && !is_at_rest(); ++turn) {
      for (std::size_t i = 0; i < node_.all.size(); ++i) {
        auto& one = *node_.all[i];
        if (one.gone) continue;
        if (one.stopping && one.held.empty())
          one.die();
        else if (one.started)
          one.get_ready();
        one.finish_one();
      }
      node_.world.advance(20ms);
    }
  }

  std::mt19937_64 chance_;
  config::node config_;
  stage node_;
};

TEST(Reload, AnswersEveryCallerWhenReloadsComeAtRandomTimes) {
  for_each_seed(1, 300, [](std::uint64_t seed) { random_reloads{seed}.run(); });
}

TEST(Reload, ForgetsWhatTheWorkerOfAnotherDefinitionDiedOf) {
  auto config = small_cast(1, 2);
  config.breaker.failures = 1;
  stage node{config};
  node.open();
  for (const auto* name : {"d0-s0", "d0-s1"}) {
    node.ask(name);
    node.world.dispatch();
    node.worker(name).die(true);
    node.world.dispatch();
  }
  const auto last_error = [&](std::uint32_t who) {
    return node.shared->pools.of(pool_kind::intelligent)
        .specialists[who]
        .last_error.read([](const std::string& text) { return text; });
  };
  EXPECT_EQ(last_error(0), "died");
  node.ask("d0-s0");
  EXPECT_TRUE(node.refused) << "its circuit is open";
  reload(node, with_argument(config, "-v"));
  EXPECT_EQ(last_error(0), "");
  EXPECT_EQ(last_error(1), "died") << "it is what it was";
  node.ask("d0-s0");
  EXPECT_FALSE(node.refused);
}

}  // namespace
}  // namespace greenroom::tests
