// Workers that cannot start and their replacement, and the spawns after a loss.
#include "actors/tasks/department.hpp"

#include "tests/actors/reload.hpp"
#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using base::worker_state;
using protocols::failure, protocols::task_state;

TEST(SpecialistSupervisor, FailsThoseWhoWaitForAWorkerThatCannotStart) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  config.breaker.open = 1ms;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  for (int i = 0; i < 3; ++i) {
    node.world.advance(3s);
    node.worker("d0-s0").die(true);
  }
  node.world.dispatch();
  EXPECT_EQ(who->why, failure::start_failed);
  EXPECT_EQ(who->ends, 1);
}

std::size_t starts_within(stage& node, const std::string& name, std::chrono::seconds time) {
  const auto before = node.starts[name];
  for (auto passed = 0ms; passed < time; passed += 50ms) {
    if (const auto at = node.workers.find(name); at != node.workers.end())
      if (!at->second->gone && at->second->started) at->second->die(true);
    node.world.advance(50ms);
  }
  return static_cast<std::size_t>(node.starts[name] - before);
}

worker_state shown(stage& node, std::uint32_t who) {
  return node.shared->pools.of(protocols::pool_kind::intelligent)
      .specialists[who]
      .gauge.state.load();
}

// A policy that always wants every specialist warm.
struct expecting final : runtime::warm_policy {
  void learn(runtime::specialist_index who, const runtime::specialist_facts&) override {
    count = std::max(count, who + 1);
  }
  void set_limits(const runtime::pool_limits&) override {}
  void observe_arrival(runtime::specialist_index, std::uint64_t, double) override {}
  void observe_idle(runtime::specialist_index, double) override {}
  room make_room(runtime::specialist_index, std::span<const runtime::slot_state>, double) override {
    return {true, {}};
  }
  runtime::plan review(std::span<const runtime::slot_state> states, double now_s) override {
    runtime::plan answer;
    for (runtime::specialist_index who = 0; who < count; ++who)
      if (states[who].state == worker_state::cold)
        answer.warm.push_back({who, runtime::reason::predicted, 1});
    answer.next_review_s = now_s + 0.1;
    return answer;
  }
  runtime::specialist_index count = 0;
};

TEST(SpecialistSupervisor, StartsAWorkerThatCannotStartAtMostThreeTimes) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  stage node{config};
  node.options.policies[0] = [] { return std::make_unique<expecting>(); };
  node.open();
  EXPECT_EQ(1 + starts_within(node, "d0-s0", 60s), 3u) << "it is only expected";
  EXPECT_EQ(shown(node, 0), worker_state::failed);
  const auto& record = node.shared->pools.of(protocols::pool_kind::intelligent).specialists[0];
  EXPECT_EQ(record.last_error.read([](const std::string& text) { return text; }), "died");
  const auto who = node.ask("d0-s0");
  EXPECT_EQ(starts_within(node, "d0-s0", 60s), 3u) << "somebody asked for it";
  EXPECT_EQ(who->why, failure::start_failed);
  EXPECT_EQ(shown(node, 0), worker_state::failed);
  // The reload may bring another command.
  static_cast<void>(node.shared->replace_catalog(
      actors::make_catalog(node.shared->catalogs.now().config, &node.shared->catalogs.now())));
  caf::anon_send(node.root, protocols::settings_changed{});
  EXPECT_EQ(starts_within(node, "d0-s0", 60s), 3u) << "the configuration has changed";
  caf::anon_send(node.root, protocols::warm_by_hand{0});
  node.world.advance(3s);
  node.get_ready("d0-s0");
  EXPECT_EQ(shown(node, 0), worker_state::warm) << "an operator asked for it";
}

TEST(SpecialistSupervisor, CountsNoFailedStartsOfAReplacedDefinition) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  config.breaker.open = 1ms;
  stage node{config};
  node.open();
  const auto who = node.ask("d0-s0");
  const auto fail_start = [&node] {
    node.world.advance(3s);
    node.worker("d0-s0").die(true);
    node.world.dispatch();
  };
  fail_start();
  fail_start();
  reload(node, with_argument(config, "mended"));
  fail_start();
  fail_start();
  EXPECT_EQ(who->ends, 0);
  fail_start();
  EXPECT_EQ(who->why, failure::start_failed);
  EXPECT_EQ(node.starts["d0-s0"], 5);
}

// A reload at each moment after the loss of a department. While the replacement waits for the
// specialists of the former department it does not learn of the reload before it has their tasks.
TEST(SpecialistSupervisor, SpawnsEachOnceWhenAReloadMeetsAReplacement) {
  const auto config = small_cast(1, 3);
  std::size_t met = 0;
  for (std::size_t turns = 0; turns < 40; ++turns) {
    SCOPED_TRACE(turns);
    stage node{config};
    node.open();
    const auto who = node.ask("d0-s0");
    node.world.dispatch();
    node.kill("department D0");
    node.world.dispatch();
    ASSERT_EQ(node.losses(R"({"department":"D0"})"), 1u);
    const auto& record = node.shared->pools.of(pool_kind::intelligent).specialists[0];
    const auto former = record.actor;
    ASSERT_TRUE(former);
    node.world.skip(config.supervision.delay);
    node.world.dispatch_some(turns);
    if (node.happened("actor.back", R"({"department":"D0"})") == 1 && record.actor == former) ++met;
    replace_quietly(node, config);
    node.world.dispatch();
    caf::anon_send(node.root, protocols::settings_changed{});
    node.world.advance(1s);
    EXPECT_EQ(node.losses(R"({"department":"D0"})"), 1u);
    node.get_ready("d0-s0");
    node.finish_one("d0-s0");
    EXPECT_EQ(who->state, task_state::completed);
    for (const auto other : {"d0-s1", "d0-s2"}) {
      const auto next = node.ask(other);
      node.world.advance(1s);
      node.get_ready(other);
      node.finish_one(other);
      EXPECT_EQ(next->state, task_state::completed) << other;
    }
  }
  // At the first of these moments the replacement has not had a turn.
  EXPECT_GE(met, 2u);
}

TEST(SpecialistSupervisor, TriesAPinnedWorkerMoreAndMoreRarely) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  config.departments[0].specialists[0].pin = true;
  stage node{config};
  node.open();
  static_cast<void>(starts_within(node, "d0-s0", 600s));
  const auto later = starts_within(node, "d0-s0", 600s);
  EXPECT_LE(later, 11u);
  EXPECT_GE(later, 8u);
  EXPECT_EQ(shown(node, 0), worker_state::failed);
}

// The worker becomes ready each time and dies before it ran a task.
TEST(SpecialistSupervisor, DoesNotReplaceForEverAWorkerThatDiesWhenReady) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].pin = true;
  stage node{config};
  node.open();
  for (auto passed = 0ms; passed < 600s; passed += 100ms) {
    auto& one = node.worker("d0-s0");
    if (!one.gone) {
      node.get_ready("d0-s0");
      one.die();
    }
    node.world.advance(100ms);
  }
  EXPECT_LE(node.starts["d0-s0"], 25);
  EXPECT_GE(node.starts["d0-s0"], 3) << "it was not given up after the first time";
}

// The worker neither starts nor fails; its slot must be freed.
TEST(SpecialistSupervisor, ReplacesAWorkerThatNeitherStartsNorEnds) {
  auto config = small_cast(1, 2);
  config.pool.max_warm = 1;
  config.departments[0].specialists[0].backend.start_timeout = 10s;
  config.departments[0].specialists[0].backend.stop_timeout = 5s;
  stage node{config};
  node.open();
  caf::anon_send(node.root, protocols::warm_by_hand{0});
  node.world.advance(24s);
  caf::anon_send(node.root, protocols::check_workers{});
  const auto other = node.ask("d0-s1");
  node.world.advance(100ms);
  EXPECT_EQ(node.starts.count("d0-s1"), 0u);
  node.world.advance(1s);
  caf::anon_send(node.root, protocols::check_workers{});
  node.world.advance(100ms);
  ASSERT_EQ(node.starts["d0-s1"], 1);
  node.get_ready("d0-s1");
  node.finish_one("d0-s1");
  EXPECT_EQ(other->state, task_state::completed);
}

}  // namespace
}  // namespace greenroom::tests
