// A reload reaches the workers: a worker with an old definition is replaced when it is idle.
#include "actors/mailbox/dismiss.hpp"
#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <random>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::pool_kind, protocols::task_state;

void reload(stage& play, config::node next) {
  auto cast = actors::make_catalog(std::move(next), &play.shared->catalogs.now());
  ASSERT_TRUE(play.shared->replace_catalog(std::move(cast)));
  caf::anon_send(play.root, protocols::settings_changed{});
  play.world.dispatch();
}

config::node with_argument(config::node config, const std::string& argument,
                           std::size_t department = 0, std::size_t specialist = 0) {
  config.departments[department].specialists[specialist].backend.command = {"puppet", argument};
  return config;
}

bool runs_old(stage& play, std::uint32_t who, pool_kind pool = pool_kind::intelligent) {
  const auto runs = play.shared->pools.of(pool).specialists[who].definition.load();
  return runs != 0 && runs != play.shared->catalogs.now().definitions[who];
}

void make_warm(stage& play, const std::string& name) {
  play.ask(name);
  play.world.dispatch();
  play.get_ready(name);
  play.finish_one(name);
}

TEST(Reload, ReplacesAnIdleWorkerWhoseCommandChanged) {
  const auto config = small_cast(1, 2);
  stage play{config};
  play.open();
  make_warm(play, "d0-s0");
  make_warm(play, "d0-s1");
  auto& old = play.worker("d0-s0");
  reload(play, with_argument(config, "-v"));
  EXPECT_TRUE(old.stopping);
  EXPECT_TRUE(runs_old(play, 0));
  EXPECT_FALSE(runs_old(play, 1));
  old.die();
  play.world.dispatch();
  EXPECT_EQ(play.starts["d0-s0"], 2);  // Without a task: the specialist was warm.
  play.get_ready("d0-s0");
  EXPECT_FALSE(runs_old(play, 0));
  EXPECT_EQ(play.starts["d0-s1"], 1);
  EXPECT_FALSE(play.worker("d0-s1").stopping);
}

TEST(Reload, LetsWhatRunsFinishAndGivesTheRestToTheNewOne) {
  const auto config = small_cast(1, 1);
  stage play{config};
  play.open();
  make_warm(play, "d0-s0");
  auto& old = play.worker("d0-s0");
  const auto running = play.ask("d0-s0");
  play.world.dispatch();
  reload(play, with_argument(config, "-v"));
  const auto later = play.ask("d0-s0");
  play.world.dispatch();
  EXPECT_FALSE(old.stopping);
  EXPECT_TRUE(runs_old(play, 0));
  old.finish_one();
  play.world.dispatch();
  EXPECT_EQ(running->state, task_state::completed);
  EXPECT_TRUE(old.stopping);
  EXPECT_TRUE(old.held.empty());
  old.die();
  play.world.dispatch();
  play.get_ready("d0-s0");
  ASSERT_EQ(play.worker("d0-s0").held.size(), 1U);
  play.finish_one("d0-s0");
  EXPECT_EQ(later->state, task_state::completed);
  EXPECT_TRUE(later->cold);
}

TEST(Reload, StartsAgainWhatIsJustBeingStarted) {
  const auto config = small_cast(1, 1);
  stage play{config};
  play.open();
  const auto who = play.ask("d0-s0");
  play.world.dispatch();
  auto& old = play.worker("d0-s0");
  reload(play, with_argument(config, "-v"));
  EXPECT_TRUE(old.stopping);
  old.die(true);
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(who->attempts, 1U);
  EXPECT_FALSE(runs_old(play, 0));
}

TEST(Reload, KeepsWorkersThatOnlyBooksChangeFor) {
  auto config = small_cast(1, 1);
  stage play{config};
  play.open();
  make_warm(play, "d0-s0");
  auto& one = config.departments[0].specialists[0];
  one.priority = config::priority::high;
  one.aliases = {"other"};
  one.backend.concurrency = 3;
  one.backend.task_timeout = 7s;
  config.pool.cooldown = 10s;
  config.breaker.failures = 9;
  reload(play, config);
  EXPECT_FALSE(play.worker("d0-s0").stopping);
  EXPECT_FALSE(runs_old(play, 0));
  // And the new concurrency applies at once.
  for (int i = 0; i < 4; ++i) play.ask("other");
  play.world.dispatch();
  EXPECT_EQ(play.worker("d0-s0").held.size(), 3U);
}

TEST(Reload, ReplacesPinnedWorkersOfBothPools) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].pin = true;
  stage play{config};
  play.plan.policies[1] = play.plan.policies[0];
  play.open();
  play.world.advance(100ms);
  ASSERT_EQ(play.all.size(), 2U);
  for (const auto& one : play.all) one->get_ready();
  play.world.dispatch();
  reload(play, with_argument(config, "-v"));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(play.all[i]->stopping) << i;
    play.all[i]->die();
  }
  play.world.dispatch();
  ASSERT_EQ(play.all.size(), 4U);
  for (std::size_t i = 2; i < 4; ++i) play.all[i]->get_ready();
  play.world.dispatch();
  EXPECT_FALSE(runs_old(play, 0, pool_kind::intelligent));
  EXPECT_FALSE(runs_old(play, 0, pool_kind::baseline));
}

TEST(Reload, EndsTheWorkerOfOneThatIsTakenOutWhenItIsThrough) {
  const auto config = small_cast(1, 2);
  stage play{config};
  play.open();
  make_warm(play, "d0-s1");
  const auto running = play.ask("d0-s1");
  const auto ahead = play.ask("d0-s1");
  const auto waiting = play.ask("d0-s1");
  play.world.dispatch();
  auto& old = play.worker("d0-s1");
  reload(play, small_cast(1, 1));
  EXPECT_EQ(waiting->why, failure::no_such_specialist);
  EXPECT_FALSE(old.stopping);
  old.finish_one();
  play.world.dispatch();
  old.finish_one();
  play.world.dispatch();
  EXPECT_EQ(running->state, task_state::completed);
  EXPECT_EQ(ahead->state, task_state::completed);
  EXPECT_TRUE(old.stopping);
  old.die();
  play.world.advance(5s);
  EXPECT_EQ(play.starts["d0-s1"], 1);
  EXPECT_EQ(play.processes(), 0U);
}

TEST(Reload, UsesThePlacesOfThoseThatAreGoneAgain) {
  auto config = small_cast(2, 2);
  stage play{config};  // Capacity for 8 more specialists.
  play.open();
  for (int turn = 0; turn < 200; ++turn) {
    SCOPED_TRACE(turn);
    const auto name = "fresh-" + std::to_string(turn);
    config.departments[0].specialists[1].name = name;
    if (turn % 3 == 0) config.departments[1].name = "E" + std::to_string(turn);
    auto cast =
        actors::make_catalog(config, &play.shared->catalogs.now(), {}, play.shared->vacant());
    ASSERT_TRUE(play.shared->replace_catalog(std::move(cast)));
    caf::anon_send(play.root, protocols::settings_changed{});
    play.world.dispatch();
    const auto who = play.shared->catalogs.now().find(name);
    ASSERT_NE(who, actors::catalog::nobody);
    const auto& gauge = play.shared->pools.of(pool_kind::intelligent).specialists[who].gauge;
    EXPECT_EQ(gauge.ends[0].load(), 0U);
    EXPECT_EQ(gauge.depth(), 0U);
    const auto asked = play.ask(name);
    play.world.dispatch();
    play.get_ready(name);
    play.finish_one(name);
    EXPECT_EQ(asked->state, task_state::completed);
    EXPECT_EQ(gauge.ends[0].load(), 1U);
    for (const auto& one : play.all)
      if (one->stopping) one->die();
    play.world.dispatch();
  }
  EXPECT_LE(play.shared->catalogs.now().members.size(), 12U);
  EXPECT_LE(play.shared->catalogs.now().departments.size(), 8U);
  EXPECT_LE(play.processes(), 2U);
}

TEST(Reload, KeepsTheIndexOfARemovedSpecialistWhileAThreadKnowsIt) {
  auto config = small_cast(1, 2);
  stage play{config};
  play.open();
  make_warm(play, "d0-s1");
  const auto running = play.ask("d0-s1");
  play.world.dispatch();
  const auto seen = play.shared->catalogs.shared();  // Like a thread that has just looked it up.
  const auto rename = [&](const std::string& name) {
    config.departments[0].specialists[1].name = name;
    reload(play, config);
    reload(play, config);
    return play.shared->vacant();
  };
  EXPECT_TRUE(rename("other").empty());
  play.finish_one("d0-s1");
  EXPECT_EQ(running->state, task_state::completed);
  play.worker("d0-s1").die();
  play.world.dispatch();
  reload(play, config);
  EXPECT_TRUE(play.shared->vacant().empty());  // `seen` still has the old name.
  EXPECT_EQ(seen->name_of(1), "d0-s1");
}

/// A reload of which no actor has been told yet.
void replace_quietly(stage& play, const config::node& next) {
  ASSERT_TRUE(play.shared->replace_catalog(actors::make_catalog(
      next, &play.shared->catalogs.now(), play.is_inline, play.shared->vacant())));
}

/// A stage in which the number of d0-s1 is free, with one warm slot.
class ReusedNumber : public testing::Test {
protected:
  void SetUp() override {
    play.open();
    reload(play, small_cast(1, 1));
    ASSERT_EQ(play.shared->vacant(), std::vector<std::uint32_t>{1});
    config.departments[0].specialists[1].name = "fresh";
  }
  static config::node one_place() {
    auto result = small_cast(1, 2);
    result.pool.max_warm = 1;
    result.pool.min_residency = 0ms;
    return result;
  }
  config::node config = one_place();
  stage play{config};
};

TEST_F(ReusedNumber, IsServedBeforeAnyActorIsToldOfTheReload) {
  replace_quietly(play, config);
  ASSERT_EQ(play.shared->catalogs.now().find("fresh"), 1U);
  const auto who = play.ask("fresh");
  play.world.dispatch();
  ASSERT_EQ(play.starts["fresh"], 1);
  caf::anon_send(play.root, protocols::settings_changed{});
  play.world.dispatch();
  play.get_ready("fresh");
  play.finish_one("fresh");
  EXPECT_EQ(who->state, task_state::completed);
}

TEST_F(ReusedNumber, KeepsItsSlotWhenTheReloadIsToldOfLater) {
  replace_quietly(play, config);
  play.ask("fresh");
  play.world.dispatch();
  play.get_ready("fresh");
  caf::anon_send(play.root, protocols::settings_changed{});
  play.world.dispatch();
  play.ask("d0-s0");
  play.world.advance(50ms);
  EXPECT_EQ(play.processes(), 1U) << "there is one slot, and it was taken";
  EXPECT_FALSE(play.worker("fresh").gone) << "by it";
}

TEST_F(ReusedNumber, KeepsItsPlaceInTheLineForASlot) {
  make_warm(play, "d0-s0");
  const auto first = play.ask("d0-s0");
  play.world.dispatch();
  replace_quietly(play, config);
  const auto who = play.ask("fresh");
  play.world.dispatch();
  caf::anon_send(play.root, protocols::settings_changed{});
  play.world.dispatch();
  play.finish_one("d0-s0");
  play.world.advance(100ms);  // Before the specialist would ask again by itself.
  EXPECT_EQ(first->state, task_state::completed);
  ASSERT_TRUE(play.worker("d0-s0").stopping);
  play.worker("d0-s0").die();
  play.world.dispatch();
  ASSERT_EQ(play.starts["fresh"], 1);
  play.get_ready("fresh");
  play.finish_one("fresh");
  EXPECT_EQ(who->state, task_state::completed);
}

TEST(Reload, RunsTheNewCallableUnderAnOldNumberAtOnce) {
  auto config = small_cast(1, 2);
  for (auto& one : config.departments[0].specialists)
    one.backend.kind = config::backend_kind::function;
  actors::callable_table table;
  for (const auto* name : {"d0-s0", "d0-s1", "fresh"})
    table[name] = {[name](const std::string&) { return "\"" + std::string{name} + "\""; }, true};
  stage play{config, table};
  play.open();
  play.world.advance(1s);
  auto without = config;
  without.departments[0].specialists.pop_back();
  replace_quietly(play, without);
  caf::anon_send(play.root, protocols::settings_changed{});
  play.world.advance(1s);
  ASSERT_EQ(play.shared->vacant(), std::vector<std::uint32_t>{1});
  config.departments[0].specialists[1].name = "fresh";
  replace_quietly(play, config);
  const auto who = play.ask("fresh");
  play.world.advance(2s);
  EXPECT_EQ(who->output, "\"fresh\"");
}

TEST(Reload, KeepsThePlaceOfOneThatCameBackAndWentAgain) {
  const auto whole = small_cast(1, 2);
  const auto without = small_cast(1, 1);
  stage play{whole};
  play.open();
  reload(play, without);
  ASSERT_EQ(play.shared->vacant(), std::vector<std::uint32_t>{1});
  reload(play, whole);
  replace_quietly(play, without);
  // Moves this thread, too, on to the newest catalog.
  static_cast<void>(play.shared->catalogs.now());
  actors::catalog_reader::turn();
  EXPECT_TRUE(play.shared->vacant().empty()) << "its department has not looked yet";
  caf::anon_send(play.root, protocols::settings_changed{});
  play.world.dispatch();
  EXPECT_EQ(play.shared->vacant(), std::vector<std::uint32_t>{1});
}

TEST(Reload, ReplacesALostActorWhileTasksForNewSpecialistsArrive) {
  auto config = small_cast(1, 1);
  stage play{config};
  play.open();
  make_warm(play, "d0-s0");
  replace_quietly(play, small_cast(1, 8));
  // The department learns of the loss before it reads its port.
  const auto who = play.shared->catalogs.now().find("d0-s0");
  actors::dismiss(play.shared->pools.of(pool_kind::intelligent).specialists[who].actor);
  const auto fresh = play.ask("d0-s7");
  play.world.advance(1s);
  play.get_ready("d0-s7");
  play.finish_one("d0-s7");
  EXPECT_EQ(fresh->state, task_state::completed);
  const auto again = play.ask("d0-s0");
  play.world.advance(5s);
  EXPECT_EQ(play.starts["d0-s0"], 2);
  play.get_ready("d0-s0");
  play.finish_one("d0-s0");
  EXPECT_EQ(again->state, task_state::completed);
}

TEST(Reload, LeavesNoCallerBehindHoweverItFalls) {
  for_each_seed(1, 300, [](std::uint64_t seed) {
    std::mt19937_64 chance{seed};
    auto config = small_cast(2, 2);
    config.pool.max_warm = 1 + chance() % 3;
    config.pool.cooldown = 1s;
    config.supervision.delay = 1ms;
    for (auto& department : config.departments)
      for (auto& one : department.specialists) one.backend.concurrency = 1 + chance() % 2;
    stage play{config};
    play.open();
    const auto anybody = [&]() -> puppet& { return *play.all[chance() % play.all.size()]; };
    for (int step = 0; step < 60; ++step) {
      switch (chance() % 7) {
        case 0:
        case 1:
          play.ask("d" + std::to_string(chance() % 2) + "-s" + std::to_string(chance() % 2));
          break;
        case 2:
          if (!play.all.empty() && anybody().started) anybody().get_ready();
          break;
        case 3:
          if (!play.all.empty()) anybody().finish_one();
          break;
        case 4:
          for (const auto& one : play.all)
            if (one->stopping) one->die();
          break;
        case 5: {
          config = with_argument(config, std::to_string(step), chance() % 2, chance() % 2);
          auto cast = actors::make_catalog(config, &play.shared->catalogs.now());
          ASSERT_TRUE(play.shared->replace_catalog(std::move(cast)));
          caf::anon_send(play.root, protocols::settings_changed{});
          break;
        }
        default: play.world.advance(std::chrono::milliseconds{chance() % 50}); break;
      }
      if (chance() % 2 == 0) play.world.dispatch();
    }
    // From now on every worker succeeds, and every caller is answered.
    const auto at_rest = [&] {
      for (std::uint32_t who = 0; who < 4; ++who)
        if (runs_old(play, who)) return false;
      return play.everyone_heard_once();
    };
    for (int turn = 0; turn < 400 && !at_rest(); ++turn) {
      for (std::size_t i = 0; i < play.all.size(); ++i) {
        auto& one = *play.all[i];
        if (one.gone) continue;
        if (one.stopping && one.held.empty())
          one.die();
        else if (one.started)
          one.get_ready();
        one.finish_one();
      }
      play.world.advance(20ms);
    }
    EXPECT_TRUE(play.everyone_heard_once());
    for (std::uint32_t who = 0; who < 4; ++who) EXPECT_FALSE(runs_old(play, who)) << who;
    if (testing::Test::HasFailure()) {
      for (const auto& each : play.events()) ADD_FAILURE() << each;
      return;
    }
  });
}

TEST(Reload, ForgetsWhatTheWorkerOfAnotherDefinitionDiedOf) {
  auto config = small_cast(1, 2);
  config.breaker.failures = 1;
  stage play{config};
  play.open();
  for (const auto* name : {"d0-s0", "d0-s1"}) {
    play.ask(name);
    play.world.dispatch();
    play.worker(name).die(true);
    play.world.dispatch();
  }
  const auto last_error = [&](std::uint32_t who) {
    return play.shared->pools.of(pool_kind::intelligent)
        .specialists[who]
        .last_error.read([](const std::string& text) { return text; });
  };
  EXPECT_EQ(last_error(0), "died");
  play.ask("d0-s0");
  EXPECT_TRUE(play.refused) << "its circuit is open";
  reload(play, with_argument(config, "-v"));
  EXPECT_EQ(last_error(0), "");
  EXPECT_EQ(last_error(1), "died") << "it is what it was";
  play.ask("d0-s0");
  EXPECT_FALSE(play.refused);
}

}  // namespace
}  // namespace greenroom::tests
