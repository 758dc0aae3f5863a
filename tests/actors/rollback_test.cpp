// Two pools in one tree: rollbacks that lose no task.
#include "actors/supervision/hand_out.hpp"
#include "tests/support/steady_workers.hpp"
#include "tests/support/watched_stage.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace greenroom::tests {
namespace {

TEST(Rollback, ComesByItselfWhenTheWorkersAreSoBrokenThatNobodyIsLetIn) {
  auto config = quick_cast();
  config.breaker = {.failures = 2, .open = 60s, .half_open_probes = 1};
  watched_stage play{config};
  play.open();
  play.route(50);
  std::mt19937_64 chance{5};
  for (int i = 0; i < 60; ++i) {
    play.ask(someone(chance));
    play.live(50ms);
  }
  ASSERT_FALSE(play.rollback());
  const auto shed = [&] {
    return play.shared->gauge.shed[static_cast<std::size_t>(machine::shed_reason::circuit_open)]
        .load();
  };
  // From now on every circuit of the intelligent pool is open.
  const auto until = play.world.now_ns() + 600'000'000'000;
  for (auto& record : play.shared->pools.of(pool_kind::intelligent).specialists)
    record.gauge.open_until_ns = until;
  const auto turned_bad = play.world.now_ns();
  while (!play.rollback() && play.world.now_ns() - turned_bad < 60'000'000'000) {
    play.ask(someone(chance));
    play.live(50ms);
  }
  ASSERT_TRUE(play.rollback()) << shed() << " were refused";
  EXPECT_LT(play.world.now_ns() - turned_bad, 10'000'000'000);
  const auto before = shed();
  EXPECT_GT(before, 0u);
  for (int i = 0; i < 100; ++i) {
    play.ask(someone(chance));
    play.live(50ms);
  }
  EXPECT_EQ(shed(), before) << "the baseline answers everybody";
  EXPECT_EQ(play.rollback(), rollback_state::done);
}

TEST(Rollback, ComesByItselfWithinItsTimeWhenTheIntelligentPoolFails) {
  watched_stage play{quick_cast()};
  play.open();
  play.route(50);
  std::mt19937_64 chance{3};
  for (int i = 0; i < 60; ++i) {
    play.ask(someone(chance));
    play.live(50ms);
  }
  ASSERT_FALSE(play.rollback());
  const auto turned_bad = play.world.now_ns();
  while (!play.rollback() && play.world.now_ns() - turned_bad < 60'000'000'000) {
    play.ask(someone(chance));
    play.live(50ms, "intelligent/");
  }
  ASSERT_TRUE(play.rollback());
  EXPECT_EQ(play.shared->routes.now().routes, mode::fallback);
  for (int i = 0; i < 200 && play.rollback() != rollback_state::done; ++i) {
    play.ask(someone(chance));
    play.live(50ms, "intelligent/");
  }
  EXPECT_EQ(play.rollback(), rollback_state::done);
  EXPECT_LT(play.world.now_ns() - turned_bad, 30'000'000'000);
  play.live(2s);
  for (const auto& one : play.callers) EXPECT_EQ(one->ends, 1);
  EXPECT_TRUE(actors::ledger_now(actors::hand_out<actors::readiness_parts>(*play.shared)).balanced);
  EXPECT_FALSE(play.shared->routes.rolling_back);
  // The rollout can start again, from shadow.
  EXPECT_EQ(play.steer(steering::what::start), 200);
  play.live(2s);
  EXPECT_EQ(play.phase(), runtime::rollout::phase::shadow_mode);
  EXPECT_EQ(play.shared->routes.now().routes, mode::shadow);
}

// All traffic goes to the intelligent pool and the node restarts, so the baseline gets no callers.
// During a rollout it gets copies; after COMPLETE only the rollout's saved record tells its speed.
class AfterARestart : public testing::TestWithParam<runtime::rollout::phase> {
protected:
  static std::string record_at(runtime::rollout::phase wanted) {
    auto config = quick_cast();
    config.rollout.min_samples = 60;
    watched_stage before{config};
    before.open();
    before.steer(steering::what::start);
    for (int i = 0; i < 2400 && before.phase() != wanted; ++i) {
      before.ask(i % 2 == 0 ? "d0-s0" : "d0-s1");
      before.live(50ms);
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

TEST_P(AfterARestart, ASlowPoolIsStillMeasuredByWhatTheBaselineWas) {
  const auto record = record_at(GetParam());
  watched_stage play{only_the_watch()};
  ASSERT_EQ(actors::remember(play.shared->catalogs.now().config, play.shared->routes,
                             play.shared->board, {record, {}, {}}),
            "");
  ASSERT_EQ(play.phase(), GetParam());
  play.open();
  // Every task of the intelligent pool takes `turns` times 50 ms.
  const auto go_on = [&](int turns, int steps) {
    for (int i = 1; i <= steps && !play.rollback(); ++i) {
      if (i % 10 == 0) play.ask(i % 20 == 0 ? "d0-s0" : "d0-s1");
      play.behave("nobody", i % turns == 0 ? "" : "baseline/");
      play.world.advance(50ms);
    }
  };
  go_on(1, 400);
  ASSERT_FALSE(play.rollback()) << "as fast as it was";
  const auto callers_served = [&] {
    std::uint64_t sum = 0;
    for (const auto& one : play.shared->pools.of(pool_kind::baseline).specialists)
      for (std::size_t e = 0; e < machine::task_outcome_count; ++e)
        sum += machine::count_of(one.gauge.ends[e]);
    return sum;
  };
  ASSERT_EQ(callers_served(), 0u) << "copies are all that it is given";
  const bool complete = GetParam() == runtime::rollout::phase::complete;
  ASSERT_EQ(play.ended(pool_kind::baseline) == 0, complete) << "nobody compares any more";
  const auto turned_bad = play.world.now_ns();
  go_on(16, 1200);
  ASSERT_TRUE(play.rollback());
  EXPECT_LT(play.world.now_ns() - turned_bad, 30'000'000'000);
  play.shared->board.read([](const actors::status_board::content& board) {
    EXPECT_EQ(board.rollbacks.back().plan.cause(), runtime::rollout::trigger::response_time);
    return 0;
  });
  EXPECT_EQ(play.shared->routes.now().routes, mode::fallback);
  for (int i = 0; i < 400 && play.rollback() != rollback_state::done; ++i) play.live(50ms);
  EXPECT_EQ(play.rollback(), rollback_state::done);
  for (const auto& one : play.callers) EXPECT_EQ(one->ends, 1);
}

INSTANTIATE_TEST_SUITE_P(Rollback, AfterARestart,
                         testing::Values(runtime::rollout::phase::full_deployment,
                                         runtime::rollout::phase::complete),
                         [](const auto& one) { return std::string{name_of(one.param)}; });

TEST(Rollback, MovesWhatWaitsAndFencesWhatHangs) {
  watched_stage play{quick_cast()};
  play.open();
  play.route(100);
  play.live(1s);
  // One task hangs in the intelligent pool, others wait behind it.
  auto stuck = play.ask("d0-s0");
  for (int i = 0; i < 10; ++i) {
    play.world.advance(50ms);
    for (auto& one : play.all)
      if (!one->gone && !one->stopping) one->get_ready();
  }
  auto& holder = play.worker("intelligent/d0-s0");
  ASSERT_EQ(holder.held.size(), 1u);
  std::vector<std::shared_ptr<caller>> behind;
  for (int i = 0; i < 5; ++i) behind.push_back(play.ask("d0-s0"));
  play.world.advance(50ms);
  ASSERT_EQ(play.steer(steering::what::roll_back), 202);
  EXPECT_EQ(play.steer(steering::what::start), 409) << "one after the other";
  const auto baseline_works = [&] {
    for (std::size_t i = 0; i < play.all.size(); ++i) {
      auto one = play.all[i];
      if (one->gone) continue;
      if (one->stopping) {
        one->die();
        continue;
      }
      one->get_ready();
      if (play.names[one.get()].starts_with("baseline/"))
        while (!one->held.empty()) one->finish_one();
    }
    play.world.advance(50ms);
  };
  for (int i = 0; i < 40; ++i) baseline_works();
  for (const auto& one : behind) EXPECT_EQ(one->ends, 1);  // Within 2 s.
  EXPECT_EQ(stuck->ends, 0);
  for (int i = 0; i < 560; ++i) baseline_works();
  EXPECT_EQ(stuck->ends, 1);
  EXPECT_EQ(stuck->state, protocols::task_state::completed);
  EXPECT_EQ(play.rollback(), rollback_state::done);
  play.shared->board.read([](const actors::status_board::content& board) {
    const auto& plan = board.rollbacks.back().plan;
    EXPECT_EQ(plan.fenced(), 1u);
    EXPECT_TRUE(plan.within_budget());
    return 0;
  });
  EXPECT_EQ(play.steer(steering::what::start), 200);
}

TEST(Rollback, DoesNotWaitForAJournalThatCannotBeWritten) {
  watched_stage play{quick_cast()};
  play.open();
  play.route(100);
  play.live(1s);
  // Like a full disk: no record is ever reported as written.
  play.shared->journal.on = true;
  play.shared->gauge.journal_ok = false;
  const auto begun = play.world.now_ns();
  ASSERT_EQ(play.steer(steering::what::roll_back), 202);
  while (play.rollback() != rollback_state::done && play.world.now_ns() - begun < 30'000'000'000)
    play.live(50ms);
  EXPECT_EQ(play.rollback(), rollback_state::done);
  EXPECT_LT(play.world.now_ns() - begun, 5'000'000'000);
  EXPECT_EQ(play.shared->routes.now().routes, mode::fallback);
}

// One random run: both pools, crashes everywhere, a rollback at a random time.
void play_once(std::uint64_t seed) {
  std::mt19937_64 chance{seed};
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
  watched_stage play{config};
  play.open();
  if (chance() % 2 == 0)
    play.steer(steering::what::start);
  else
    play.route(static_cast<double>(chance() % 101));
  const auto when = chance() % 120;
  for (std::uint64_t step = 0; step < 150; ++step) {
    if (step == when) play.steer(steering::what::roll_back);
    switch (chance() % 10) {
      case 0:
      case 1:
      case 2: play.ask(someone(chance)); break;
      case 3:
      case 4: play.behave(); break;
      case 5: {
        if (play.all.empty()) break;
        auto one = play.all[chance() % play.all.size()];
        if (one->gone) break;
        if (one->stopping || chance() % 3 == 0)
          one->die();
        else
          one->fail_one(chance() % 2 == 0);
        break;
      }
      case 6: play.world.dispatch_some(chance, chance() % 20); break;
      case 7:
        if (chance() % 3 == 0)
          play.kill(std::array{"monitor", "rollout", "rollback"}[chance() % 3]);
        else if (chance() % 2 == 0)
          play.kill_someone(chance);
        break;
      default: play.world.dispatch(chance); play.world.advance(10ms * (chance() % 50));
    }
  }
  play.world.dispatch(chance);
  for (int i = 0; i < 1000; ++i) {
    const auto state = play.rollback();
    const bool over = state == rollback_state::done || state == rollback_state::unverified;
    if (over && play.everyone_heard_once()) break;
    play.live(50ms);
  }
  for (const auto& one : play.callers) ASSERT_EQ(one->ends, 1);
  play.live(1s);
  // A shadow copy takes no fallback: it may wait until its specialist's circuit closes.
  const auto depth = [&] {
    std::uint64_t sum = 0;
    for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
      for (const auto& record : play.shared->pools.of(kind).specialists)
        sum += record.gauge.depth();
    return sum;
  };
  for (auto waited = 0ms; depth() > 0 && waited < config.breaker.open + 1s; waited += 50ms)
    play.live(50ms);
  ASSERT_TRUE(play.rollback());
  EXPECT_TRUE(play.rollback() == rollback_state::done
              || play.rollback() == rollback_state::unverified)
      << name_of(*play.rollback());
  EXPECT_EQ(play.shared->routes.now().routes, mode::fallback);
  EXPECT_EQ(play.shared->gauge.accepted(), play.shared->gauge.ended());
  EXPECT_EQ(play.shared->gauge.depth(), 0u);
  EXPECT_EQ(depth(), 0u);
  EXPECT_TRUE(actors::ledger_now(actors::hand_out<actors::readiness_parts>(*play.shared)).balanced);
  steady_workers{play, {.start = 100ms, .run = 100ms, .stop = 50ms}}.expect_progress(chance, 7s);
}

TEST(Rollback, LosesNothingInAnyOrderWhoeverCrashes) {
  for_each_seed(0, 60, [](std::uint64_t seed) { play_once(seed); });
}

}  // namespace
}  // namespace greenroom::tests
