// A reload reaches the workers: a worker with an old definition is replaced when it is idle.
#include "actors/mailbox/dismiss.hpp"
#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <random>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::pool_kind, protocols::task_state;

void reload(stage& node, config::node next) {
  auto cast = actors::make_catalog(std::move(next), &node.shared->catalogs.now());
  ASSERT_TRUE(node.shared->replace_catalog(std::move(cast)));
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.dispatch();
}

config::node with_argument(config::node config, const std::string& argument,
                           std::size_t department = 0, std::size_t specialist = 0) {
  config.departments[department].specialists[specialist].backend.command = {"puppet", argument};
  return config;
}

bool runs_old(stage& node, std::uint32_t who, pool_kind pool = pool_kind::intelligent) {
  const auto runs = node.shared->pools.of(pool).specialists[who].definition.load();
  return runs != 0 && runs != node.shared->catalogs.now().definitions[who];
}

void make_warm(stage& node, const std::string& name) {
  node.ask(name);
  node.world.dispatch();
  node.get_ready(name);
  node.finish_one(name);
}

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

TEST(Reload, UsesThePlacesOfThoseThatAreGoneAgain) {
  auto config = small_cast(2, 2);
  stage node{config};  // Capacity for 8 more specialists.
  node.open();
  for (int turn = 0; turn < 200; ++turn) {
    SCOPED_TRACE(turn);
    const auto name = "fresh-" + std::to_string(turn);
    config.departments[0].specialists[1].name = name;
    if (turn % 3 == 0) config.departments[1].name = "E" + std::to_string(turn);
    auto cast =
        actors::make_catalog(config, &node.shared->catalogs.now(), {}, node.shared->vacant());
    ASSERT_TRUE(node.shared->replace_catalog(std::move(cast)));
    caf::anon_send(node.root, protocols::settings_changed{});
    node.world.dispatch();
    const auto who = node.shared->catalogs.now().find(name);
    ASSERT_NE(who, actors::catalog::nobody);
    const auto& gauge = node.shared->pools.of(pool_kind::intelligent).specialists[who].gauge;
    EXPECT_EQ(gauge.ends[0].load(), 0U);
    EXPECT_EQ(gauge.depth(), 0U);
    const auto asked = node.ask(name);
    node.world.dispatch();
    node.get_ready(name);
    node.finish_one(name);
    EXPECT_EQ(asked->state, task_state::completed);
    EXPECT_EQ(gauge.ends[0].load(), 1U);
    for (const auto& one : node.all)
      if (one->stopping) one->die();
    node.world.dispatch();
  }
  EXPECT_LE(node.shared->catalogs.now().members.size(), 12U);
  EXPECT_LE(node.shared->catalogs.now().departments.size(), 8U);
  EXPECT_LE(node.processes(), 2U);
}

TEST(Reload, KeepsTheIndexOfARemovedSpecialistWhileAThreadKnowsIt) {
  auto config = small_cast(1, 2);
  stage node{config};
  node.open();
  make_warm(node, "d0-s1");
  const auto running = node.ask("d0-s1");
  node.world.dispatch();
  const auto seen = node.shared->catalogs.shared();  // Like a thread that has just looked it up.
  const auto rename = [&](const std::string& name) {
    config.departments[0].specialists[1].name = name;
    reload(node, config);
    reload(node, config);
    return node.shared->vacant();
  };
  EXPECT_TRUE(rename("other").empty());
  node.finish_one("d0-s1");
  EXPECT_EQ(running->state, task_state::completed);
  node.worker("d0-s1").die();
  node.world.dispatch();
  reload(node, config);
  EXPECT_TRUE(node.shared->vacant().empty());  // `seen` still has the old name.
  EXPECT_EQ(seen->name_of(1), "d0-s1");
}

/// A reload of which no actor has been told yet.
void replace_quietly(stage& node, const config::node& next) {
  ASSERT_TRUE(node.shared->replace_catalog(actors::make_catalog(
      next, &node.shared->catalogs.now(), node.is_inline, node.shared->vacant())));
}

/// A stage in which the number of d0-s1 is free, with one warm slot.
class ReusedNumber : public testing::Test {
protected:
  void SetUp() override {
    node.open();
    reload(node, small_cast(1, 1));
    ASSERT_EQ(node.shared->vacant(), std::vector<std::uint32_t>{1});
    config.departments[0].specialists[1].name = "fresh";
  }
  static config::node one_place() {
    auto result = small_cast(1, 2);
    result.pool.max_warm = 1;
    result.pool.min_residency = 0ms;
    return result;
  }
  config::node config = one_place();
  stage node{config};
};

TEST_F(ReusedNumber, IsServedBeforeAnyActorIsToldOfTheReload) {
  replace_quietly(node, config);
  ASSERT_EQ(node.shared->catalogs.now().find("fresh"), 1U);
  const auto who = node.ask("fresh");
  node.world.dispatch();
  ASSERT_EQ(node.starts["fresh"], 1);
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.dispatch();
  node.get_ready("fresh");
  node.finish_one("fresh");
  EXPECT_EQ(who->state, task_state::completed);
}

TEST_F(ReusedNumber, KeepsItsSlotWhenTheReloadIsToldOfLater) {
  replace_quietly(node, config);
  node.ask("fresh");
  node.world.dispatch();
  node.get_ready("fresh");
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.dispatch();
  node.ask("d0-s0");
  node.world.advance(50ms);
  EXPECT_EQ(node.processes(), 1U) << "there is one slot, and it was taken";
  EXPECT_FALSE(node.worker("fresh").gone) << "by it";
}

TEST_F(ReusedNumber, KeepsItsPlaceInTheLineForASlot) {
  make_warm(node, "d0-s0");
  const auto first = node.ask("d0-s0");
  node.world.dispatch();
  replace_quietly(node, config);
  const auto who = node.ask("fresh");
  node.world.dispatch();
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.dispatch();
  node.finish_one("d0-s0");
  node.world.advance(100ms);  // Before the specialist would ask again by itself.
  EXPECT_EQ(first->state, task_state::completed);
  ASSERT_TRUE(node.worker("d0-s0").stopping);
  node.worker("d0-s0").die();
  node.world.dispatch();
  ASSERT_EQ(node.starts["fresh"], 1);
  node.get_ready("fresh");
  node.finish_one("fresh");
  EXPECT_EQ(who->state, task_state::completed);
}

TEST(Reload, RunsTheNewCallableUnderAnOldNumberAtOnce) {
  auto config = small_cast(1, 2);
  for (auto& one : config.departments[0].specialists)
    one.backend.kind = config::backend_kind::function;
  actors::callable_table table;
  for (const auto* name : {"d0-s0", "d0-s1", "fresh"})
    table[name] = {[name](const std::string&) { return "\"" + std::string{name} + "\""; }, true};
  stage node{config, table};
  node.open();
  node.world.advance(1s);
  auto without = config;
  without.departments[0].specialists.pop_back();
  replace_quietly(node, without);
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.advance(1s);
  ASSERT_EQ(node.shared->vacant(), std::vector<std::uint32_t>{1});
  config.departments[0].specialists[1].name = "fresh";
  replace_quietly(node, config);
  const auto who = node.ask("fresh");
  node.world.advance(2s);
  EXPECT_EQ(who->output, "\"fresh\"");
}

TEST(Reload, KeepsThePlaceOfOneThatCameBackAndWentAgain) {
  const auto whole = small_cast(1, 2);
  const auto without = small_cast(1, 1);
  stage node{whole};
  node.open();
  reload(node, without);
  ASSERT_EQ(node.shared->vacant(), std::vector<std::uint32_t>{1});
  reload(node, whole);
  replace_quietly(node, without);
  // Moves this thread, too, on to the newest catalog.
  static_cast<void>(node.shared->catalogs.now());
  actors::catalog_reader::turn();
  EXPECT_TRUE(node.shared->vacant().empty()) << "its department has not looked yet";
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.dispatch();
  EXPECT_EQ(node.shared->vacant(), std::vector<std::uint32_t>{1});
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
