// The number of a specialist that a reload removed is used again for a new specialist.
#include "tests/actors/reload.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::task_state;

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

}  // namespace
}  // namespace greenroom::tests
