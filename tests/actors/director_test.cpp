// The director: slots, evictions, cooldowns and memory, in virtual time.
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

TEST(Director, TellsThePolicyOfIdleSpecialistsThatHaveChangedOnly) {
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
