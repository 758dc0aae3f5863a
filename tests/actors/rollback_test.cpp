// Two pools in one tree: rollbacks that lose no task.
#include "actors/supervision/hand_out.hpp"
#include "tests/support/steady_workers.hpp"
#include "tests/support/watched_stage.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace greenroom::tests {
namespace {

TEST(Rollback, StartsAutomaticallyWhenAllCircuitsAreOpen) {
  auto config = quick_cast();
  config.breaker = {.failures = 2, .open = 60s, .half_open_probes = 1};
  watched_stage node{config};
  node.open();
  node.route(50);
  std::mt19937_64 chance{5};
  for (int i = 0; i < 60; ++i) {
    node.ask(someone(chance));
    node.run_for(50ms);
  }
  ASSERT_FALSE(node.rollback());
  const auto shed = [&] {
    return node.shared->gauge.shed[static_cast<std::size_t>(machine::shed_reason::circuit_open)]
        .load();
  };
  // From now on every circuit of the intelligent pool is open.
  const auto until = node.world.now_ns() + 600'000'000'000;
  for (auto& record : node.shared->pools.of(pool_kind::intelligent).specialists)
    record.gauge.open_until_ns = until;
  const auto failed_at = node.world.now_ns();
  while (!node.rollback() && node.world.now_ns() - failed_at < 60'000'000'000) {
    node.ask(someone(chance));
    node.run_for(50ms);
  }
  ASSERT_TRUE(node.rollback()) << shed() << " were refused";
  EXPECT_LT(node.world.now_ns() - failed_at, 10'000'000'000);
  const auto before = shed();
  EXPECT_GT(before, 0u);
  for (int i = 0; i < 100; ++i) {
    node.ask(someone(chance));
    node.run_for(50ms);
  }
  EXPECT_EQ(shed(), before) << "the baseline answers everybody";
  EXPECT_EQ(node.rollback(), rollback_state::done);
}

TEST(Rollback, StartsAutomaticallyWhenTheIntelligentPoolFails) {
  watched_stage node{quick_cast()};
  node.open();
  node.route(50);
  std::mt19937_64 chance{3};
  for (int i = 0; i < 60; ++i) {
    node.ask(someone(chance));
    node.run_for(50ms);
  }
  ASSERT_FALSE(node.rollback());
  const auto failed_at = node.world.now_ns();
  while (!node.rollback() && node.world.now_ns() - failed_at < 60'000'000'000) {
    node.ask(someone(chance));
    node.run_for(50ms, {.failing = "intelligent/"});
  }
  ASSERT_TRUE(node.rollback());
  EXPECT_EQ(node.shared->routes.now().routes, mode::fallback);
  for (int i = 0; i < 200 && node.rollback() != rollback_state::done; ++i) {
    node.ask(someone(chance));
    node.run_for(50ms, {.failing = "intelligent/"});
  }
  EXPECT_EQ(node.rollback(), rollback_state::done);
  EXPECT_LT(node.world.now_ns() - failed_at, 30'000'000'000);
  node.run_for(2s);
  for (const auto& one : node.callers) EXPECT_EQ(one->ends, 1);
  EXPECT_TRUE(actors::ledger_now(actors::hand_out<actors::readiness_parts>(*node.shared)).balanced);
  EXPECT_FALSE(node.shared->routes.rolling_back);
  // The rollout can start again, from shadow.
  EXPECT_EQ(node.command(rollout_command::kind::start), 200);
  node.run_for(2s);
  EXPECT_EQ(node.phase(), runtime::rollout::phase::shadow_mode);
  EXPECT_EQ(node.shared->routes.now().routes, mode::shadow);
}

// All traffic goes to the intelligent pool and the node restarts, so the baseline gets no callers.
// During a rollout the baseline gets copies. After COMPLETE the baseline gets no copies either, so
// its speed is known only from the saved rollout state.
class AfterARestart : public testing::TestWithParam<runtime::rollout::phase> {
protected:
  static std::string record_at(runtime::rollout::phase wanted) {
    auto config = quick_cast();
    config.rollout.min_samples = 60;
    watched_stage before{config};
    before.open();
    before.command(rollout_command::kind::start);
    for (int i = 0; i < 2400 && before.phase() != wanted; ++i) {
      before.ask(i % 2 == 0 ? "d0-s0" : "d0-s1");
      before.run_for(50ms);
    }
    return before.shared->board.read(
        [](const actors::status_board::content& board) { return board.rollout->encode(); });
  }
  // The judge has too few samples, and health is not considered.
  static config::node only_the_watch() {
    auto config = quick_cast();
    config.rollout.min_samples = 100'000;
    config.rollback.health = 0;
    return config;
  }
};

TEST_P(AfterARestart, ComparesASlowPoolWithTheSavedBaseline) {
  const auto record = record_at(GetParam());
  watched_stage node{only_the_watch()};
  ASSERT_EQ(actors::restore_rollout(node.shared->catalogs.now().config, node.shared->routes,
                                    node.shared->board, {record, {}, {}}),
            "");
  ASSERT_EQ(node.phase(), GetParam());
  node.open();
  // Every task of the intelligent pool takes `factor` times 50 ms.
  const auto run_with_slowdown = [&](int factor, int steps) {
    for (int i = 1; i <= steps && !node.rollback(); ++i) {
      if (i % 10 == 0) node.ask(i % 20 == 0 ? "d0-s0" : "d0-s1");
      node.run_workers({.only = i % factor == 0 ? "" : "baseline/"});
      node.world.advance(50ms);
    }
  };
  run_with_slowdown(1, 400);
  ASSERT_FALSE(node.rollback()) << "as fast as it was";
  const auto callers_served = [&] {
    std::uint64_t sum = 0;
    for (const auto& one : node.shared->pools.of(pool_kind::baseline).specialists)
      for (std::size_t e = 0; e < machine::task_outcome_count; ++e)
        sum += machine::count_of(one.gauge.ends[e]);
    return sum;
  };
  ASSERT_EQ(callers_served(), 0u) << "the baseline served no caller";
  const bool complete = GetParam() == runtime::rollout::phase::complete;
  ASSERT_EQ(node.ended(pool_kind::baseline) == 0, complete) << "no shadow copies after COMPLETE";
  const auto failed_at = node.world.now_ns();
  run_with_slowdown(16, 1200);
  ASSERT_TRUE(node.rollback());
  EXPECT_LT(node.world.now_ns() - failed_at, 30'000'000'000);
  node.shared->board.read([](const actors::status_board::content& board) {
    EXPECT_EQ(board.rollbacks.back().plan.cause(), runtime::rollout::trigger::response_time);
    return 0;
  });
  EXPECT_EQ(node.shared->routes.now().routes, mode::fallback);
  for (int i = 0; i < 400 && node.rollback() != rollback_state::done; ++i) node.run_for(50ms);
  EXPECT_EQ(node.rollback(), rollback_state::done);
  for (const auto& one : node.callers) EXPECT_EQ(one->ends, 1);
}

INSTANTIATE_TEST_SUITE_P(Rollback, AfterARestart,
                         testing::Values(runtime::rollout::phase::full_deployment,
                                         runtime::rollout::phase::complete),
                         [](const auto& one) { return std::string{name_of(one.param)}; });

TEST(Rollback, MovesQueuedTasksAndFencesHungTasks) {
  watched_stage node{quick_cast()};
  node.open();
  node.route(100);
  node.run_for(1s);
  // One task hangs in the intelligent pool, others wait behind it.
  auto stuck = node.ask("d0-s0");
  for (int i = 0; i < 10; ++i) {
    node.world.advance(50ms);
    for (auto& one : node.all)
      if (!one->gone && !one->stopping) one->get_ready();
  }
  auto& holder = node.worker("intelligent/d0-s0");
  ASSERT_EQ(holder.held.size(), 1u);
  std::vector<std::shared_ptr<caller>> behind;
  for (int i = 0; i < 5; ++i) behind.push_back(node.ask("d0-s0"));
  node.world.advance(50ms);
  ASSERT_EQ(node.command(rollout_command::kind::roll_back), 202);
  EXPECT_EQ(node.command(rollout_command::kind::start), 409) << "rejected while a rollback runs";
  const auto baseline_works = [&] {
    for (std::size_t i = 0; i < node.all.size(); ++i) {
      auto one = node.all[i];
      if (one->gone) continue;
      if (one->stopping) {
        one->die();
        continue;
      }
      one->get_ready();
      if (node.names[one.get()].starts_with("baseline/"))
        while (!one->held.empty()) one->finish_one();
    }
    node.world.advance(50ms);
  };
  constexpr int queue_steps = 2s / 50ms, fence_steps = 28s / 50ms;
  for (int i = 0; i < queue_steps; ++i) baseline_works();
  for (const auto& one : behind) EXPECT_EQ(one->ends, 1);
  EXPECT_EQ(stuck->ends, 0);
  for (int i = 0; i < fence_steps; ++i) baseline_works();
  EXPECT_EQ(stuck->ends, 1);
  EXPECT_EQ(stuck->state, protocols::task_state::completed);
  EXPECT_EQ(node.rollback(), rollback_state::done);
  node.shared->board.read([](const actors::status_board::content& board) {
    const auto& plan = board.rollbacks.back().plan;
    EXPECT_EQ(plan.fenced(), 1u);
    EXPECT_TRUE(plan.within_budget());
    return 0;
  });
  EXPECT_EQ(node.command(rollout_command::kind::start), 200);
}

TEST(Rollback, DoesNotWaitForAJournalThatCannotBeWritten) {
  watched_stage node{quick_cast()};
  node.open();
  node.route(100);
  node.run_for(1s);
  // Like a full disk: no record is ever reported as written.
  node.shared->journal.on = true;
  node.shared->gauge.journal_ok = false;
  const auto begun = node.world.now_ns();
  ASSERT_EQ(node.command(rollout_command::kind::roll_back), 202);
  while (node.rollback() != rollback_state::done && node.world.now_ns() - begun < 30'000'000'000)
    node.run_for(50ms);
  EXPECT_EQ(node.rollback(), rollback_state::done);
  EXPECT_LT(node.world.now_ns() - begun, 5'000'000'000);
  EXPECT_EQ(node.shared->routes.now().routes, mode::fallback);
}

config::node random_rollback_config(std::mt19937_64& chance) {
  auto config = quick_cast();
  config.pool.max_warm = 1 + chance() % 4;
  config.queue.per_specialist = 16;
  for (auto& department : config.departments)
    for (auto& one : department.specialists)
      one.backend.side_effects = static_cast<config::side_effects>(chance() % 3);
  if (chance() % 2 == 0) {
    config.breaker.failures = 1 + chance() % 3;
    config.departments[0].specialists[0].fallback = "d1-s1";
    config.departments[1].specialists[1].fallback = "d1-s2";
  }
  return config;
}

// One random run: both pools, crashes of all actors, a rollback at a random time.
class random_rollback {
public:
  explicit random_rollback(std::uint64_t seed)
      : chance_{seed}, config_{random_rollback_config(chance_)}, node_{config_} {
    node_.open();
  }

  void run() {
    if (chance_() % 2 == 0)
      node_.command(rollout_command::kind::start);
    else
      node_.route(static_cast<double>(chance_() % 101));
    const auto rollback_step = chance_() % 120;
    for (std::uint64_t step = 0; step < 150; ++step) {
      if (step == rollback_step) node_.command(rollout_command::kind::roll_back);
      take_step();
    }
    node_.world.dispatch(chance_);
    end_rollback();
  }

  void expect_nothing_lost() {
    ASSERT_TRUE(node_.rollback());
    EXPECT_TRUE(is_over()) << name_of(*node_.rollback());
    EXPECT_EQ(node_.shared->routes.now().routes, mode::fallback);
    EXPECT_EQ(node_.shared->gauge.accepted(), node_.shared->gauge.ended());
    EXPECT_EQ(node_.shared->gauge.depth(), 0u);
    EXPECT_EQ(depth(), 0u);
    EXPECT_TRUE(
        actors::ledger_now(actors::hand_out<actors::readiness_parts>(*node_.shared)).balanced);
    steady_workers{node_, {.start = 100ms, .run = 100ms, .stop = 50ms}}.expect_progress(chance_,
                                                                                        7s);
  }

private:
  void take_step() {
    switch (chance_() % 10) {
      case 0:
      case 1:
      case 2: node_.ask(someone(chance_)); break;
      case 3:
      case 4: node_.run_workers(); break;
      case 5: break_one_worker(); break;
      case 6: node_.world.dispatch_some(chance_, chance_() % 20); break;
      case 7:
        if (chance_() % 3 == 0)
          node_.kill(std::array{"monitor", "rollout", "rollback"}[chance_() % 3]);
        else if (chance_() % 2 == 0)
          node_.kill_someone(chance_);
        break;
      default: node_.world.dispatch(chance_); node_.world.advance(10ms * (chance_() % 50));
    }
  }

  void break_one_worker() {
    if (node_.all.empty()) return;
    auto one = node_.all[chance_() % node_.all.size()];
    if (one->gone) return;
    if (one->stopping || chance_() % 3 == 0)
      one->die();
    else
      one->fail_one(chance_() % 2 == 0);
  }

  [[nodiscard]] bool is_over() const {
    const auto state = node_.rollback();
    return state == rollback_state::done || state == rollback_state::unverified;
  }

  void end_rollback() {
    for (int i = 0; i < 1000; ++i) {
      if (is_over() && node_.everyone_heard_once()) break;
      node_.run_for(50ms);
    }
    for (const auto& one : node_.callers) ASSERT_EQ(one->ends, 1);
    node_.run_for(1s);
    EXPECT_EQ(node_.shared->gauge.accepted(), node_.shared->gauge.ended());
    // A shadow copy takes no fallback: it may wait until its specialist's circuit closes.
    for (auto waited = 0ms; depth() > 0 && waited < config_.breaker.open + 1s; waited += 50ms)
      node_.run_for(50ms);
  }

  [[nodiscard]] std::uint64_t depth() const {
    std::uint64_t sum = 0;
    for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
      for (const auto& record : node_.shared->pools.of(kind).specialists)
        sum += record.gauge.depth();
    return sum;
  }

  std::mt19937_64 chance_;
  const config::node config_;
  watched_stage node_;
};

TEST(Rollback, LosesNoTaskUnderRandomCrashes) {
  for_each_seed(0, 60, [](std::uint64_t seed) {
    random_rollback one{seed};
    one.run();
    one.expect_nothing_lost();
  });
}

}  // namespace
}  // namespace greenroom::tests
