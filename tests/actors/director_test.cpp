// Slots, in virtual time.
#include "actors/pooling/director.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::task_state;

config::node slots(std::size_t each, std::size_t max_warm) {
  auto config = small_cast(1, each);
  config.pool.max_warm = max_warm;
  config.pool.min_residency = 2s;
  config.pool.cooldown = 45s;
  return config;
}

void serve(stage& node, const std::string& name) {
  node.world.dispatch();
  node.worker(name).get_ready();
  node.world.dispatch();
  node.worker(name).finish_one();
  node.world.advance(60ms);  // Departments report every 50 ms.
}

TEST(Director, NeverHasMoreProcessesThanSlotsWhateverIsAsked) {
  stage node{slots(6, 2)};
  node.open();
  std::mt19937_64 chance{7};
  for (int i = 0; i < 300; ++i) {
    node.ask("d0-s" + std::to_string(chance() % 6));
    node.world.advance(100ms * (chance() % 30));
    ASSERT_LE(node.processes(), 2u);
    for (auto& one : node.all) {
      if (one->gone) continue;
      if (one->stopping)
        one->die();
      else if (one->held.empty())
        one->get_ready();
      else
        one->finish_one();
      ASSERT_LE(node.processes(), 2u);
    }
  }
}

TEST(Director, HoldsASlotUntilTheProcessIsReallyGone) {
  stage node{slots(2, 1)};
  node.open();
  node.ask("d0-s0");
  serve(node, "d0-s0");
  node.world.advance(3s);
  auto next = node.ask("d0-s1");
  node.world.advance(1s);
  EXPECT_TRUE(node.worker("d0-s0").stopping);
  EXPECT_EQ(node.starts["d0-s1"], 0) << "started while the other process was still there";
  node.worker("d0-s0").die();
  node.world.advance(100ms);
  EXPECT_EQ(node.starts["d0-s1"], 1);
  serve(node, "d0-s1");
  EXPECT_EQ(next->state, task_state::completed);
}

TEST(Director, NeverEvictsTheBusy) {
  stage node{slots(2, 1)};
  node.open();
  auto first = node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").get_ready();
  node.world.advance(10s);
  auto second = node.ask("d0-s1");
  node.world.advance(10s);
  EXPECT_FALSE(node.worker("d0-s0").stopping);
  node.worker("d0-s0").finish_one();
  node.world.advance(3s);
  EXPECT_EQ(first->state, task_state::completed);
  EXPECT_TRUE(node.worker("d0-s0").stopping);
  node.worker("d0-s0").die();
  node.world.advance(100ms);
  serve(node, "d0-s1");
  EXPECT_EQ(second->state, task_state::completed);
}

TEST(Director, KeepsAStartedWorkerForItsMinimumResidency) {
  stage node{slots(2, 1)};
  node.open();
  node.ask("d0-s0");
  serve(node, "d0-s0");
  node.ask("d0-s1");
  node.world.advance(1500ms);
  EXPECT_FALSE(node.worker("d0-s0").stopping);
  node.world.advance(700ms);
  EXPECT_TRUE(node.worker("d0-s0").stopping);
}

TEST(Director, CoolsTheIdleAfterTheCooldownCountedFromTheEndOfTheLastTask) {
  auto config = slots(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 200s;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").get_ready();
  node.world.advance(100s);  // A long task: idle time has not begun.
  EXPECT_FALSE(node.worker("d0-s0").stopping);
  node.worker("d0-s0").finish_one();
  node.world.advance(44s);
  EXPECT_FALSE(node.worker("d0-s0").stopping);
  node.world.advance(3s);
  EXPECT_TRUE(node.worker("d0-s0").stopping);
}

TEST(Director, KeepsAPinWarmOutsideTheSlots) {
  auto config = slots(3, 1);
  config.departments[0].specialists[0].pin = true;
  stage node{config};
  node.open();
  node.world.advance(1s);
  ASSERT_EQ(node.starts["d0-s0"], 1);
  node.worker("d0-s0").get_ready();
  node.ask("d0-s1");
  serve(node, "d0-s1");
  node.world.advance(300s);
  EXPECT_FALSE(node.worker("d0-s0").stopping);
}

TEST(Director, EnforcesTheMemoryThatWasMeasured) {
  auto config = slots(3, 3);
  config.pool.memory_budget_mb = 25;
  stage node{config};
  node.open();
  for (const auto* name : {"d0-s0", "d0-s1"}) {
    node.ask(name);
    serve(node, name);
  }
  // Both have 5 MB configured and 20 MB measured.
  protocols::memory_survey survey{{0, 1}, {20'000'000, 20'000'000}};
  node.world.advance(5s);
  EXPECT_EQ(node.processes(), 2u);
  node.send_survey(survey);
  node.world.advance(1s);
  const auto stopping = int{node.worker("d0-s0").stopping} + int{node.worker("d0-s1").stopping};
  EXPECT_EQ(stopping, 1) << "one of the two must go, not both";
}

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

TEST(Director, WarmsEverySpecialistOfTheBaselinePool) {
  auto config = slots(5, 1);
  config.pool.mode = config::pool_mode::baseline;
  config.pool.warming_concurrency = 2;
  stage node{config};
  node.options.policies[1] = std::exchange(node.options.policies[0], nullptr);
  node.desk.set_pool(protocols::pool_kind::baseline);
  node.open();
  for (int i = 0; i < 20; ++i) {
    node.world.advance(100ms);
    for (auto& one : node.all) one->get_ready();
  }
  EXPECT_EQ(node.processes(), 5u);
  node.world.advance(1000s);
  for (auto& one : node.all) EXPECT_FALSE(one->stopping);
}

// A policy that wants every specialist warm at once.
class eager final : public runtime::warm_policy {
public:
  void learn(runtime::specialist_index, const runtime::specialist_facts&) override {}
  void set_limits(const runtime::pool_limits&) override {}
  void observe_arrival(runtime::specialist_index, std::uint64_t, double) override {}
  void observe_idle(runtime::specialist_index, double) override {}
  room make_room(runtime::specialist_index, std::span<const runtime::seat>, double) override {
    return {true, {}};
  }
  runtime::plan review(std::span<const runtime::seat> seats, double) override {
    runtime::plan answer;
    for (std::uint32_t i = 0; i < seats.size(); ++i)
      if (seats[i].state == worker_state::cold)
        answer.warm.push_back({i, runtime::reason::predicted, 1});
    return answer;
  }
};

// A policy that records which specialists it is told are idle.
class listening final : public runtime::warm_policy {
public:
  explicit listening(std::vector<runtime::specialist_index>& heard) : heard_{heard} {}
  void learn(runtime::specialist_index, const runtime::specialist_facts&) override {}
  void set_limits(const runtime::pool_limits&) override {}
  void observe_arrival(runtime::specialist_index, std::uint64_t, double) override {}
  void observe_idle(runtime::specialist_index who, double) override { heard_.push_back(who); }
  room make_room(runtime::specialist_index, std::span<const runtime::seat>, double) override {
    return {true, {}};
  }
  runtime::plan review(std::span<const runtime::seat>, double) override { return {}; }

private:
  std::vector<runtime::specialist_index>& heard_;
};

TEST(Director, LearnsTheLoadOfSpecialistsThatHaveChangedOnly) {
  std::vector<runtime::specialist_index> heard;
  stage node{slots(100, 100)};
  node.options.policies[0] = [&] { return std::make_unique<listening>(heard); };
  node.open();
  node.world.advance(1s);
  for (const auto* name : {"d0-s3", "d0-s7"}) {
    node.ask(name);
    serve(node, name);
    node.world.advance(200ms);
    heard.clear();
    node.ask(name);
    node.world.dispatch();
    node.finish_one(name);
    node.world.advance(10s);
    EXPECT_EQ(heard, std::vector{node.shared->catalogs.now().find(name)});
  }
}

TEST(Director, StartsAheadOfDemandNoMoreAtOnceThanItMay) {
  auto config = slots(8, 8);
  config.pool.warming_concurrency = 2;
  stage node{config};
  node.options.policies[0] = [] { return std::make_unique<eager>(); };
  node.open();
  for (int i = 0; i < 40; ++i) {
    node.world.advance(100ms);
    std::size_t warming = 0;
    for (const auto& record : node.shared->pools.of(protocols::pool_kind::intelligent).specialists)
      if (record.gauge.state.load() == worker_state::warming) ++warming;
    ASSERT_LE(warming, 2u);
    if (i % 3 == 2)
      for (auto& one : node.all) one->get_ready();
  }
  EXPECT_EQ(node.processes(), 8u);
}

TEST(Director, StartsAheadOfDemandInBatches) {
  auto config = slots(8, 8);
  config.pool.warming_concurrency = 8;
  config.prediction.batch_size = 3;
  stage node{config};
  node.options.policies[0] = [] { return std::make_unique<eager>(); };
  node.open();
  EXPECT_EQ(node.processes(), 3u);
  node.world.advance(2s);
  EXPECT_EQ(node.processes(), 8u);
}

TEST(Director, LeavesASpecialistColdAfterACoolByHandUnlessATaskComes) {
  auto config = slots(2, 2);
  config.pool.min_residency = 0s;
  config.pool.cooldown = 10s;
  stage node{config};
  node.options.policies[0] = [] { return std::make_unique<eager>(); };
  node.open();
  ASSERT_EQ(node.processes(), 2u);
  for (auto& one : node.all) one->get_ready();
  node.world.advance(1s);
  // The department's report of this task reaches the director only after the cool request.
  auto last = node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").finish_one();
  node.world.dispatch();
  EXPECT_EQ(last->state, task_state::completed);
  for (const std::uint32_t who : {0U, 1U}) caf::anon_send(node.root, protocols::cool_by_hand{who});
  node.world.advance(100ms);
  node.worker("d0-s0").die();
  node.worker("d0-s1").die();
  node.world.advance(9900ms);
  EXPECT_EQ(node.starts["d0-s0"], 1) << "whoever cooled it did not get what was asked for";
  EXPECT_EQ(node.starts["d0-s1"], 1);
  auto job = node.ask("d0-s0");
  serve(node, "d0-s0");
  EXPECT_EQ(job->state, task_state::completed);
  EXPECT_EQ(node.starts["d0-s0"], 2);
  EXPECT_EQ(node.starts["d0-s1"], 1);
  node.world.advance(100ms);
  EXPECT_EQ(node.starts["d0-s1"], 2) << "from then on it is like the others";
}

TEST(Director, ScoresEveryStartAheadOfDemand) {
  auto config = slots(2, 2);
  stage node{config};
  node.options.policies[0] = [] { return std::make_unique<eager>(); };
  node.open();
  ASSERT_EQ(node.processes(), 2u);
  for (auto& one : node.all) one->get_ready();
  node.ask("d0-s0");
  node.world.advance(100ms);
  auto& gauge = node.shared->pools.of(protocols::pool_kind::intelligent).gauge;
  EXPECT_EQ(gauge.prewarms.load(), 2u);
  EXPECT_EQ(gauge.prewarm_hits.load(), 1u);
  node.world.advance(3s);
  caf::anon_send(node.root, protocols::cool_by_hand{1});
  node.world.dispatch();
  node.worker("d0-s1").die();
  node.world.dispatch();
  EXPECT_EQ(node.shared->forecast.prewarm_wastes.load(), 1u);
  EXPECT_GE(node.shared->forecast.prewarm_wasted_ms.load(), 3000u);
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

// A department that receives a grant twice acts once and reports its state each time.
TEST(Director, RepeatsAGrantWithoutAnyHarm) {
  stage node{slots(2, 1)};
  node.open();
  const auto who = node.ask("d0-s0");
  node.world.dispatch();
  ASSERT_EQ(node.starts["d0-s0"], 1);
  for (int i = 0; i < 3; ++i) {
    caf::anon_send(node.root, protocols::reconcile_slots{});
    node.world.advance(1500ms);
  }
  EXPECT_EQ(node.starts["d0-s0"], 1);
  serve(node, "d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(node.processes(), 1u);
}

TEST(Director, RunsASpecialistThatIsLargerThanTheBudgetAlone) {
  auto config = slots(2, 2);
  config.pool.min_residency = 0s;
  config.pool.cooldown = 1s;
  config.pool.memory_budget_mb = 11;
  config.departments[0].specialists[1].memory_mb = 20;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  serve(node, "d0-s0");
  const auto large = node.ask("d0-s1");
  node.world.advance(2s);
  ASSERT_TRUE(node.worker("d0-s0").stopping) << "after its cooldown";
  node.worker("d0-s0").die();
  node.world.advance(100ms);
  ASSERT_EQ(node.starts["d0-s1"], 1);
  serve(node, "d0-s1");
  EXPECT_EQ(large->state, task_state::completed);
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

// A warm specialist that becomes pinned must give its slot to others.
TEST(Director, FreesTheSlotOfASpecialistThatIsPinnedWhileItIsWarm) {
  auto config = slots(2, 1);
  stage node{config};
  node.open();
  node.ask("d0-s0");
  serve(node, "d0-s0");
  config.departments[0].specialists[0].pin = true;
  ASSERT_TRUE(
      node.shared->replace_catalog(actors::make_catalog(config, &node.shared->catalogs.now())));
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.dispatch();
  const auto other = node.ask("d0-s1");
  node.world.advance(100ms);
  ASSERT_EQ(node.starts["d0-s1"], 1);
  serve(node, "d0-s1");
  EXPECT_EQ(other->state, task_state::completed);
}

}  // namespace
}  // namespace greenroom::tests
