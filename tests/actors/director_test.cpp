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

void serve(stage& play, const std::string& name) {
  play.world.dispatch();
  play.worker(name).get_ready();
  play.world.dispatch();
  play.worker(name).finish_one();
  play.world.advance(60ms);  // Departments report every 50 ms.
}

TEST(Director, NeverHasMoreProcessesThanSlotsWhateverIsAsked) {
  stage play{slots(6, 2)};
  play.open();
  std::mt19937_64 chance{7};
  for (int i = 0; i < 300; ++i) {
    play.ask("d0-s" + std::to_string(chance() % 6));
    play.world.advance(100ms * (chance() % 30));
    ASSERT_LE(play.processes(), 2u);
    for (auto& one : play.all) {
      if (one->gone) continue;
      if (one->stopping)
        one->die();
      else if (one->held.empty())
        one->get_ready();
      else
        one->finish_one();
      ASSERT_LE(play.processes(), 2u);
    }
  }
}

TEST(Director, HoldsASlotUntilTheProcessIsReallyGone) {
  stage play{slots(2, 1)};
  play.open();
  play.ask("d0-s0");
  serve(play, "d0-s0");
  play.world.advance(3s);
  auto next = play.ask("d0-s1");
  play.world.advance(1s);
  EXPECT_TRUE(play.worker("d0-s0").stopping);
  EXPECT_EQ(play.starts["d0-s1"], 0) << "started while the other process was still there";
  play.worker("d0-s0").die();
  play.world.advance(100ms);
  EXPECT_EQ(play.starts["d0-s1"], 1);
  serve(play, "d0-s1");
  EXPECT_EQ(next->state, task_state::completed);
}

TEST(Director, NeverEvictsTheBusy) {
  stage play{slots(2, 1)};
  play.open();
  auto first = play.ask("d0-s0");
  play.world.dispatch();
  play.worker("d0-s0").get_ready();
  play.world.advance(10s);
  auto second = play.ask("d0-s1");
  play.world.advance(10s);
  EXPECT_FALSE(play.worker("d0-s0").stopping);
  play.worker("d0-s0").finish_one();
  play.world.advance(3s);
  EXPECT_EQ(first->state, task_state::completed);
  EXPECT_TRUE(play.worker("d0-s0").stopping);
  play.worker("d0-s0").die();
  play.world.advance(100ms);
  serve(play, "d0-s1");
  EXPECT_EQ(second->state, task_state::completed);
}

TEST(Director, KeepsAStartedWorkerForItsMinimumResidency) {
  stage play{slots(2, 1)};
  play.open();
  play.ask("d0-s0");
  serve(play, "d0-s0");
  play.ask("d0-s1");
  play.world.advance(1500ms);
  EXPECT_FALSE(play.worker("d0-s0").stopping);
  play.world.advance(700ms);
  EXPECT_TRUE(play.worker("d0-s0").stopping);
}

TEST(Director, CoolsTheIdleAfterTheCooldownCountedFromTheEndOfTheLastTask) {
  auto config = slots(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 200s;
  stage play{config};
  play.open();
  play.ask("d0-s0");
  play.world.dispatch();
  play.worker("d0-s0").get_ready();
  play.world.advance(100s);  // A long task: idle time has not begun.
  EXPECT_FALSE(play.worker("d0-s0").stopping);
  play.worker("d0-s0").finish_one();
  play.world.advance(44s);
  EXPECT_FALSE(play.worker("d0-s0").stopping);
  play.world.advance(3s);
  EXPECT_TRUE(play.worker("d0-s0").stopping);
}

TEST(Director, KeepsAPinWarmOutsideTheSlots) {
  auto config = slots(3, 1);
  config.departments[0].specialists[0].pin = true;
  stage play{config};
  play.open();
  play.world.advance(1s);
  ASSERT_EQ(play.starts["d0-s0"], 1);
  play.worker("d0-s0").get_ready();
  play.ask("d0-s1");
  serve(play, "d0-s1");
  play.world.advance(300s);
  EXPECT_FALSE(play.worker("d0-s0").stopping);
}

TEST(Director, EnforcesTheMemoryThatWasMeasured) {
  auto config = slots(3, 3);
  config.pool.memory_budget_mb = 25;
  stage play{config};
  play.open();
  for (const auto* name : {"d0-s0", "d0-s1"}) {
    play.ask(name);
    serve(play, name);
  }
  // Both have 5 MB configured and 20 MB measured.
  protocols::memory_survey survey{{0, 1}, {20'000'000, 20'000'000}};
  play.world.advance(5s);
  EXPECT_EQ(play.processes(), 2u);
  play.send_survey(survey);
  play.world.advance(1s);
  const auto stopping = int{play.worker("d0-s0").stopping} + int{play.worker("d0-s1").stopping};
  EXPECT_EQ(stopping, 1) << "one of the two must go, not both";
}

TEST(Director, WarmsAndCoolsByHand) {
  stage play{slots(2, 2)};
  play.open();
  caf::anon_send(play.root, protocols::warm_by_hand{1});
  play.world.dispatch();
  ASSERT_EQ(play.starts["d0-s1"], 1);
  play.get_ready("d0-s1");
  caf::anon_send(play.root, protocols::cool_by_hand{1});
  play.world.dispatch();
  EXPECT_TRUE(play.worker("d0-s1").stopping);
}

TEST(Director, CoolsABusySpecialistByHandWhenItsTasksHaveEnded) {
  stage play{slots(2, 2)};
  play.open();
  const auto cool = [&](std::uint32_t who) {
    caf::anon_send(play.root, protocols::cool_by_hand{who});
    play.world.advance(1s);
  };
  // One is running a task, one is not even warm.
  auto job = play.ask("d0-s0");
  play.ask("d0-s1");
  play.world.dispatch();
  play.get_ready("d0-s0");
  cool(0);
  cool(1);
  EXPECT_FALSE(play.worker("d0-s0").stopping);
  EXPECT_FALSE(play.worker("d0-s1").stopping);
  play.worker("d0-s0").finish_one();
  play.world.advance(100ms);
  EXPECT_EQ(job->state, task_state::completed);
  EXPECT_TRUE(play.worker("d0-s0").stopping);
  serve(play, "d0-s1");
  play.world.advance(100ms);
  EXPECT_TRUE(play.worker("d0-s1").stopping);
  // The cool request is used up: a worker that starts again stays.
  play.worker("d0-s0").die();
  play.ask("d0-s0");
  serve(play, "d0-s0");
  play.world.advance(1s);
  EXPECT_FALSE(play.worker("d0-s0").stopping);
}

TEST(Director, WarmsByHandASpecialistThatWasToCool) {
  stage play{slots(1, 1)};
  play.open();
  play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  caf::anon_send(play.root, protocols::cool_by_hand{0});
  play.world.advance(1s);
  caf::anon_send(play.root, protocols::warm_by_hand{0});
  play.world.dispatch();
  play.worker("d0-s0").finish_one();
  play.world.advance(1s);
  ASSERT_FALSE(play.worker("d0-s0").stopping);
  // A specialist whose process is already stopping starts when that process is gone.
  caf::anon_send(play.root, protocols::cool_by_hand{0});
  play.world.advance(1s);
  ASSERT_TRUE(play.worker("d0-s0").stopping);
  caf::anon_send(play.root, protocols::warm_by_hand{0});
  play.world.dispatch();
  play.worker("d0-s0").die();
  play.world.dispatch();
  EXPECT_EQ(play.starts["d0-s0"], 2);
}

TEST(Director, WarmsEverySpecialistOfTheBaselinePool) {
  auto config = slots(5, 1);
  config.pool.mode = config::pool_mode::baseline;
  config.pool.warming_concurrency = 2;
  stage play{config};
  play.plan.policies[1] = std::exchange(play.plan.policies[0], nullptr);
  play.desk.set_pool(protocols::pool_kind::baseline);
  play.open();
  for (int i = 0; i < 20; ++i) {
    play.world.advance(100ms);
    for (auto& one : play.all) one->get_ready();
  }
  EXPECT_EQ(play.processes(), 5u);
  play.world.advance(1000s);
  for (auto& one : play.all) EXPECT_FALSE(one->stopping);
}

// A policy that wants every specialist warm at once.
class eager final : public runtime::warm_policy {
public:
  void learn(runtime::specialist_index, const runtime::specialist_facts&) override {}
  void set_limits(const runtime::pool_limits&) override {}
  void observe_arrival(runtime::specialist_index, std::uint64_t, double) override {}
  void observe_idle(runtime::specialist_index, double) override {}
  room make_room(runtime::specialist_index, std::span<const runtime::slot_state>, double) override {
    return {true, {}};
  }
  runtime::plan review(std::span<const runtime::slot_state> seats, double) override {
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
  room make_room(runtime::specialist_index, std::span<const runtime::slot_state>, double) override {
    return {true, {}};
  }
  runtime::plan review(std::span<const runtime::slot_state>, double) override { return {}; }

private:
  std::vector<runtime::specialist_index>& heard_;
};

TEST(Director, LearnsTheLoadOfSpecialistsThatHaveChangedOnly) {
  std::vector<runtime::specialist_index> heard;
  stage play{slots(100, 100)};
  play.plan.policies[0] = [&] { return std::make_unique<listening>(heard); };
  play.open();
  play.world.advance(1s);
  for (const auto* name : {"d0-s3", "d0-s7"}) {
    play.ask(name);
    serve(play, name);
    play.world.advance(200ms);
    heard.clear();
    play.ask(name);
    play.world.dispatch();
    play.finish_one(name);
    play.world.advance(10s);
    EXPECT_EQ(heard, std::vector{play.shared->catalogs.now().find(name)});
  }
}

TEST(Director, StartsAheadOfDemandNoMoreAtOnceThanItMay) {
  auto config = slots(8, 8);
  config.pool.warming_concurrency = 2;
  stage play{config};
  play.plan.policies[0] = [] { return std::make_unique<eager>(); };
  play.open();
  for (int i = 0; i < 40; ++i) {
    play.world.advance(100ms);
    std::size_t warming = 0;
    for (const auto& record : play.shared->pools.of(protocols::pool_kind::intelligent).specialists)
      if (record.gauge.state.load() == worker_state::warming) ++warming;
    ASSERT_LE(warming, 2u);
    if (i % 3 == 2)
      for (auto& one : play.all) one->get_ready();
  }
  EXPECT_EQ(play.processes(), 8u);
}

TEST(Director, StartsAheadOfDemandInBatches) {
  auto config = slots(8, 8);
  config.pool.warming_concurrency = 8;
  config.prediction.batch_size = 3;
  stage play{config};
  play.plan.policies[0] = [] { return std::make_unique<eager>(); };
  play.open();
  EXPECT_EQ(play.processes(), 3u);
  play.world.advance(2s);
  EXPECT_EQ(play.processes(), 8u);
}

TEST(Director, LeavesASpecialistColdAfterACoolByHandUnlessATaskComes) {
  auto config = slots(2, 2);
  config.pool.min_residency = 0s;
  config.pool.cooldown = 10s;
  stage play{config};
  play.plan.policies[0] = [] { return std::make_unique<eager>(); };
  play.open();
  ASSERT_EQ(play.processes(), 2u);
  for (auto& one : play.all) one->get_ready();
  play.world.advance(1s);
  // The department's report of this task reaches the director only after the cool request.
  auto last = play.ask("d0-s0");
  play.world.dispatch();
  play.worker("d0-s0").finish_one();
  play.world.dispatch();
  EXPECT_EQ(last->state, task_state::completed);
  for (const std::uint32_t who : {0U, 1U}) caf::anon_send(play.root, protocols::cool_by_hand{who});
  play.world.advance(100ms);
  play.worker("d0-s0").die();
  play.worker("d0-s1").die();
  play.world.advance(9900ms);
  EXPECT_EQ(play.starts["d0-s0"], 1) << "whoever cooled it did not get what was asked for";
  EXPECT_EQ(play.starts["d0-s1"], 1);
  auto job = play.ask("d0-s0");
  serve(play, "d0-s0");
  EXPECT_EQ(job->state, task_state::completed);
  EXPECT_EQ(play.starts["d0-s0"], 2);
  EXPECT_EQ(play.starts["d0-s1"], 1);
  play.world.advance(100ms);
  EXPECT_EQ(play.starts["d0-s1"], 2) << "from then on it is like the others";
}

TEST(Director, ScoresEveryStartAheadOfDemand) {
  auto config = slots(2, 2);
  stage play{config};
  play.plan.policies[0] = [] { return std::make_unique<eager>(); };
  play.open();
  ASSERT_EQ(play.processes(), 2u);
  for (auto& one : play.all) one->get_ready();
  play.ask("d0-s0");
  play.world.advance(100ms);
  auto& gauge = play.shared->pools.of(protocols::pool_kind::intelligent).gauge;
  EXPECT_EQ(gauge.prewarms.load(), 2u);
  EXPECT_EQ(gauge.prewarm_hits.load(), 1u);
  play.world.advance(3s);
  caf::anon_send(play.root, protocols::cool_by_hand{1});
  play.world.dispatch();
  play.worker("d0-s1").die();
  play.world.dispatch();
  EXPECT_EQ(play.shared->forecast.prewarm_wastes.load(), 1u);
  EXPECT_GE(play.shared->forecast.prewarm_wasted_ms.load(), 3000u);
}

// A warm request acts at once or not at all, but a waiting task keeps waiting.
TEST(Director, KeepsATaskWaitingWhenAWarmByHandFindsNoSlot) {
  auto config = slots(2, 1);
  config.pool.min_residency = 0s;
  stage play{config};
  play.open();
  play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  const auto waits = play.ask("d0-s1");
  play.world.advance(10ms);
  caf::anon_send(play.root, protocols::warm_by_hand{1});
  play.world.advance(10ms);
  play.worker("d0-s0").finish_one();
  play.world.advance(80ms);
  EXPECT_TRUE(play.worker("d0-s0").stopping);
  play.worker("d0-s0").die();
  play.world.advance(10ms);
  serve(play, "d0-s1");
  EXPECT_EQ(waits->state, task_state::completed);
}

// A department that receives a grant twice acts once and reports its state each time.
TEST(Director, RepeatsAGrantWithoutAnyHarm) {
  stage play{slots(2, 1)};
  play.open();
  const auto who = play.ask("d0-s0");
  play.world.dispatch();
  ASSERT_EQ(play.starts["d0-s0"], 1);
  for (int i = 0; i < 3; ++i) {
    caf::anon_send(play.root, protocols::reconcile_slots{});
    play.world.advance(1500ms);
  }
  EXPECT_EQ(play.starts["d0-s0"], 1);
  serve(play, "d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(play.processes(), 1u);
}

TEST(Director, RunsASpecialistThatIsLargerThanTheBudgetAlone) {
  auto config = slots(2, 2);
  config.pool.min_residency = 0s;
  config.pool.cooldown = 1s;
  config.pool.memory_budget_mb = 11;
  config.departments[0].specialists[1].memory_mb = 20;
  stage play{config};
  play.open();
  play.ask("d0-s0");
  serve(play, "d0-s0");
  const auto large = play.ask("d0-s1");
  play.world.advance(2s);
  ASSERT_TRUE(play.worker("d0-s0").stopping) << "after its cooldown";
  play.worker("d0-s0").die();
  play.world.advance(100ms);
  ASSERT_EQ(play.starts["d0-s1"], 1);
  serve(play, "d0-s1");
  EXPECT_EQ(large->state, task_state::completed);
}

// The first specialist is never idle: another task always waits for it.
TEST(Director, GivesATurnToASpecialistThatWaitsForAWorkerThatIsNeverIdle) {
  auto config = slots(2, 1);
  config.pool.min_residency = 1s;
  stage play{config};
  play.open();
  play.ask("d0-s0");
  play.ask("d0-s0");
  play.world.advance(100ms);
  play.get_ready("d0-s0");
  const auto other = play.ask("d0-s1");
  const auto work = [&](std::chrono::milliseconds time) {
    for (auto passed = 0ms; passed < time; passed += 50ms) {
      play.ask("d0-s0");
      auto& first = play.worker("d0-s0");
      if (!first.gone && first.stopping) first.die();
      if (!first.gone) first.finish_one();
      play.world.advance(50ms);
    }
  };
  work(800ms);
  EXPECT_EQ(play.starts.count("d0-s1"), 0u) << "everybody has its turn";
  work(500ms);
  ASSERT_EQ(play.starts["d0-s1"], 1);
  play.get_ready("d0-s1");
  play.finish_one("d0-s1");
  EXPECT_EQ(other->state, task_state::completed);
  EXPECT_EQ(play.starts["d0-s0"], 1);
  for (auto passed = 0ms; passed < 1500ms; passed += 50ms) {
    if (!play.worker("d0-s1").gone && play.worker("d0-s1").stopping) play.worker("d0-s1").die();
    play.world.advance(50ms);
  }
  EXPECT_EQ(play.starts["d0-s0"], 2) << "and its turn comes again";
  EXPECT_EQ(play.processes(), 1u);
}

// A turn lasts four starts of the waiting specialist. Otherwise the two fast starters would end
// each other's turn first, for ever.
TEST(Director, LetsNoSpecialistOvertakeOneThatStartsSlowly) {
  auto config = slots(3, 1);
  config.pool.min_residency = 0ms;
  stage play{config};
  play.open();
  std::map<std::string, std::chrono::milliseconds> begun;
  const auto work = [&](std::chrono::milliseconds time, const std::vector<std::string>& busy) {
    for (auto passed = 0ms; passed < time; passed += 50ms) {
      for (const auto& name : busy) play.ask(name);
      for (const std::string name : {"d0-s0", "d0-s1", "d0-s2"}) {
        if (play.starts[name] == 0 || play.worker(name).gone) continue;
        auto& its = play.worker(name);
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
        play.world.dispatch();
      }
      play.world.advance(50ms);
    }
  };
  // Every start time is known by now.
  for (const std::string name : {"d0-s2", "d0-s0", "d0-s1"}) {
    play.ask(name);
    work(1500ms, {});
    ASSERT_EQ(play.starts[name], 1) << name;
  }
  work(3000ms, {"d0-s0", "d0-s1"});
  const auto slow = play.ask("d0-s2");
  work(6000ms, {"d0-s0", "d0-s1"});
  EXPECT_EQ(slow->ends, 1) << "fast ones started " << play.starts["d0-s0"] + play.starts["d0-s1"];
}

// A warm specialist that becomes pinned must give its slot to others.
TEST(Director, FreesTheSlotOfASpecialistThatIsPinnedWhileItIsWarm) {
  auto config = slots(2, 1);
  stage play{config};
  play.open();
  play.ask("d0-s0");
  serve(play, "d0-s0");
  config.departments[0].specialists[0].pin = true;
  ASSERT_TRUE(
      play.shared->replace_catalog(actors::make_catalog(config, &play.shared->catalogs.now())));
  caf::anon_send(play.root, protocols::settings_changed{});
  play.world.dispatch();
  const auto other = play.ask("d0-s1");
  play.world.advance(100ms);
  ASSERT_EQ(play.starts["d0-s1"], 1);
  serve(play, "d0-s1");
  EXPECT_EQ(other->state, task_state::completed);
}

}  // namespace
}  // namespace greenroom::tests
