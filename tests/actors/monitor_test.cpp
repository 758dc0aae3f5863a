// The monitor's alerts and judgements.
#include "actors/tasks/journal_actor.hpp"
#include "tests/support/watched_stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace greenroom::tests {
namespace {

std::optional<runtime::monitoring::alert> firing(const stage& node, std::string_view rule) {
  return node.shared->board.read([&](const actors::status_board::content& board) {
    const auto found = std::ranges::find(board.firing, rule, &runtime::monitoring::alert::rule);
    return found == board.firing.end() ? std::optional<runtime::monitoring::alert>{} : *found;
  });
}

TEST(Monitor, SaysWhatWasDetectedAndTunedAndForgetsIt) {
  watched_stage node{quick_cast()};
  node.shared->events.publish("workflow.detected", R"({"workflow":"BEFORE_IT_LIVED"})");
  node.open();
  node.run_for(2s);
  EXPECT_FALSE(firing(node, runtime::monitoring::workflow_detected));
  node.shared->events.publish("workflow.detected", R"({"workflow":"ML_PIPELINE","steps_done":2})");
  node.shared->events.publish("tuning.adjusted", R"({"threshold":0.34,"slots":16,"keep_s":45})");
  node.run_for(2s);
  const auto flow = firing(node, runtime::monitoring::workflow_detected);
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->level, runtime::monitoring::severity::info);
  EXPECT_EQ(flow->text, "ML_PIPELINE");
  const auto tuned = firing(node, runtime::monitoring::self_tuning_adjustment);
  ASSERT_TRUE(tuned);
  EXPECT_EQ(tuned->text, "warm threshold 0.34, 16 slots");
  // Four checks later the alerts are resolved.
  node.run_for(6s);
  EXPECT_FALSE(firing(node, runtime::monitoring::workflow_detected));
  EXPECT_FALSE(firing(node, runtime::monitoring::self_tuning_adjustment));
}

// Advances time while no actor runs, as when the process is stopped.
void stand_still(stage& node, std::chrono::seconds time) {
  auto& clock =
      dynamic_cast<caf::scheduler::test_coordinator&>(node.world.system.scheduler()).clock();
  clock.current_time += time;
}

TEST(Monitor, DoesNotJudgeWhatRanThroughAPause) {
  auto config = quick_cast();
  config.health_interval = 2s;
  watched_stage node{config};
  node.open();
  std::mt19937_64 chance{1};
  for (int i = 0; i < 40; ++i) {
    node.ask(someone(chance));
    node.run_for(100ms);
  }
  const auto health = [&] {
    return node.shared->board.read(
        [](const actors::status_board::content& board) { return board.health.score; });
  };
  const auto factors = [&] {
    return node.shared->board.read([](const actors::status_board::content& board) {
      std::string text;
      for (const auto& one : board.health.factors)
        text += " " + one.name + " " + std::to_string(one.value);
      return text;
    });
  };
  const auto before = health();
  for (int i = 0; i < 8; ++i) node.ask(someone(chance));
  node.world.dispatch();
  stand_still(node, 45s);
  for (int i = 0; i < 100; ++i) {
    node.run_for(100ms);
    ASSERT_GT(health(), before - 0.15) << i << factors();
    ASSERT_FALSE(firing(node, "response-time-critical")) << i;
  }
  EXPECT_EQ(
      std::ranges::count_if(node.events(),
                            [](const std::string& one) { return one.starts_with("node.paused"); }),
      1);
}

TEST(Monitor, TellsOfATaskThatWaitsBesideAnIdleSlotAndAsksAgain) {
  auto config = quick_cast();
  config.pool.max_warm = 1;
  watched_stage node{config};
  node.open();
  node.ask("d0-s0");
  node.run_for(300ms);
  // The department believes that it asked for a slot, but the request was lost.
  auto& record = node.shared->pools.of(pool_kind::intelligent).specialists[1];
  const auto begun = node.world.now_ns();
  for (int i = 0; i < 40; ++i) {
    record.slot_wanted_since_ns = begun;
    node.run_for(100ms);
  }
  EXPECT_FALSE(firing(node, runtime::monitoring::task_stuck));
  for (int i = 0; i < 20; ++i) {
    record.slot_wanted_since_ns = begun;
    node.run_for(100ms);
  }
  const auto alert = firing(node, runtime::monitoring::task_stuck);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->level, runtime::monitoring::severity::warning);
  EXPECT_TRUE(alert->text.starts_with("d0-s1 has waited for a slot for ")) << alert->text;
  const auto& pool = node.shared->pools.of(pool_kind::intelligent);
  EXPECT_GE(pool.stuck.load(), 1u);
  node.run_for(10s);
  EXPECT_EQ(pool.stuck_now.load(), 0u) << "its department was asked, and knows better";
  EXPECT_FALSE(firing(node, runtime::monitoring::task_stuck));
}

TEST(Monitor, SaysThatTheJournalWasDamagedBeforeItLived) {
  watched_stage node{quick_cast()};
  machine::journal_damage damage;
  damage.what = "journal.db is missing";
  actors::tell_damage(node.shared->journal, node.shared->gauge, node.shared->events, damage);
  node.open();
  node.run_for(2s);
  const auto alert = firing(node, runtime::monitoring::journal_damaged);
  ASSERT_TRUE(alert);
  EXPECT_EQ(alert->level, runtime::monitoring::severity::warning);
  EXPECT_NE(alert->text.find("journal.db is missing"), std::string::npos) << alert->text;
}

}  // namespace
}  // namespace greenroom::tests
