// The director: commands to warm and to cool, and turns, in virtual time.
#include "actors/pooling/director.hpp"

#include "tests/support/slots.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::task_state;

TEST(Director, WarmsAndCoolsByHand) {
  stage node{slots(2, 2)};
  node.open();
  caf::anon_send(node.root, protocols::warm_by_hand{1});
  node.world.dispatch();
  ASSERT_EQ(node.starts["d0-s1"], 1);
  node.get_ready("d0-s1");
  caf::anon_send(node.root, protocols::cool_by_hand{1});
  node.world.dispatch();
  EXPECT_TRUE(node.worker("d0-s1").stopping);
}

TEST(Director, CoolsABusySpecialistByHandWhenItsTasksHaveEnded) {
  stage node{slots(2, 2)};
  node.open();
  const auto cool = [&](std::uint32_t who) {
    caf::anon_send(node.root, protocols::cool_by_hand{who});
    node.world.advance(1s);
  };
  // One is running a task, one is not even warm.
  auto job = node.ask("d0-s0");
  node.ask("d0-s1");
  node.world.dispatch();
  node.get_ready("d0-s0");
  cool(0);
  cool(1);
  EXPECT_FALSE(node.worker("d0-s0").stopping);
  EXPECT_FALSE(node.worker("d0-s1").stopping);
  node.worker("d0-s0").finish_one();
  node.world.advance(100ms);
  EXPECT_EQ(job->state, task_state::completed);
  EXPECT_TRUE(node.worker("d0-s0").stopping);
  serve(node, "d0-s1");
  node.world.advance(100ms);
  EXPECT_TRUE(node.worker("d0-s1").stopping);
  // The cool request is used up: a worker that starts again stays.
  node.worker("d0-s0").die();
  node.ask("d0-s0");
  serve(node, "d0-s0");
  node.world.advance(1s);
  EXPECT_FALSE(node.worker("d0-s0").stopping);
}

TEST(Director, WarmsByHandASpecialistThatWasToCool) {
  stage node{slots(1, 1)};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  caf::anon_send(node.root, protocols::cool_by_hand{0});
  node.world.advance(1s);
  caf::anon_send(node.root, protocols::warm_by_hand{0});
  node.world.dispatch();
  node.worker("d0-s0").finish_one();
  node.world.advance(1s);
  ASSERT_FALSE(node.worker("d0-s0").stopping);
  // A specialist whose process is already stopping starts when that process is gone.
  caf::anon_send(node.root, protocols::cool_by_hand{0});
  node.world.advance(1s);
  ASSERT_TRUE(node.worker("d0-s0").stopping);
  caf::anon_send(node.root, protocols::warm_by_hand{0});
  node.world.dispatch();
  node.worker("d0-s0").die();
  node.world.dispatch();
  EXPECT_EQ(node.starts["d0-s0"], 2);
}

// A warm request acts at once or not at all, but a waiting task keeps waiting.
TEST(Director, KeepsATaskWaitingWhenAWarmByHandFindsNoSlot) {
  auto config = slots(2, 1);
  config.pool.min_residency = 0s;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  const auto waits = node.ask("d0-s1");
  node.world.advance(10ms);
  caf::anon_send(node.root, protocols::warm_by_hand{1});
  node.world.advance(10ms);
  node.worker("d0-s0").finish_one();
  node.world.advance(80ms);
  EXPECT_TRUE(node.worker("d0-s0").stopping);
  node.worker("d0-s0").die();
  node.world.advance(10ms);
  serve(node, "d0-s1");
  EXPECT_EQ(waits->state, task_state::completed);
}

// The first specialist is never idle: another task always waits for it.
TEST(Director, GivesATurnToASpecialistThatWaitsForAWorkerThatIsNeverIdle) {
  auto config = slots(2, 1);
  config.pool.min_residency = 1s;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.ask("d0-s0");
  node.world.advance(100ms);
  node.get_ready("d0-s0");
  const auto other = node.ask("d0-s1");
  const auto work = [&](std::chrono::milliseconds time) {
    for (auto passed = 0ms; passed < time; passed += 50ms) {
      node.ask("d0-s0");
      auto& first = node.worker("d0-s0");
      if (!first.gone && first.stopping) first.die();
      if (!first.gone) first.finish_one();
      node.world.advance(50ms);
    }
  };
  work(800ms);
  EXPECT_EQ(node.starts.count("d0-s1"), 0u) << "everybody has its turn";
  work(500ms);
  ASSERT_EQ(node.starts["d0-s1"], 1);
  node.get_ready("d0-s1");
  node.finish_one("d0-s1");
  EXPECT_EQ(other->state, task_state::completed);
  EXPECT_EQ(node.starts["d0-s0"], 1);
  for (auto passed = 0ms; passed < 1500ms; passed += 50ms) {
    if (!node.worker("d0-s1").gone && node.worker("d0-s1").stopping) node.worker("d0-s1").die();
    node.world.advance(50ms);
  }
  EXPECT_EQ(node.starts["d0-s0"], 2) << "and its turn comes again";
  EXPECT_EQ(node.processes(), 1u);
}

// A turn lasts four starts of the waiting specialist. Otherwise the two fast starters would end
// each other's turn first, for ever.
TEST(Director, LetsNoSpecialistOvertakeOneThatStartsSlowly) {
  auto config = slots(3, 1);
  config.pool.min_residency = 0ms;
  stage node{config};
  node.open();
  std::map<std::string, std::chrono::milliseconds> begun;
  const auto work = [&](std::chrono::milliseconds time, const std::vector<std::string>& busy) {
    for (auto passed = 0ms; passed < time; passed += 50ms) {
      for (const auto& name : busy) node.ask(name);
      for (const std::string name : {"d0-s0", "d0-s1", "d0-s2"}) {
        if (node.starts[name] == 0 || node.worker(name).gone) continue;
        auto& its = node.worker(name);
        const auto start = name == "d0-s2" ? 350ms : 150ms;
        if (its.stopping) {
          its.die();
          begun[name] = 0ms;
        } else if (begun[name] < start) {
          begun[name] += 50ms;
          if (begun[name] == start) its.get_ready();
        } else {
          its.finish_one();
        }
        node.world.dispatch();
      }
      node.world.advance(50ms);
    }
  };
  // Every start time is known by now.
  for (const std::string name : {"d0-s2", "d0-s0", "d0-s1"}) {
    node.ask(name);
    work(1500ms, {});
    ASSERT_EQ(node.starts[name], 1) << name;
  }
  work(3000ms, {"d0-s0", "d0-s1"});
  const auto slow = node.ask("d0-s2");
  work(6000ms, {"d0-s0", "d0-s1"});
  EXPECT_EQ(slow->ends, 1) << "fast ones started " << node.starts["d0-s0"] + node.starts["d0-s1"];
}

}  // namespace
}  // namespace greenroom::tests
