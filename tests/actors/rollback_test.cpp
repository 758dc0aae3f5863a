// Two pools in one tree: shadow, routing, and the way back with nothing lost.
#include "actors/rollback.hpp"
#include "actors/readiness.hpp"
#include "actors/rollout.hpp"
#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using actors::steering;
using protocols::pool_kind;
using runtime::rollout::mode;
using runtime::rollout::rollback_state;

std::uint64_t seeds() {
  const auto* wanted = std::getenv("GREENROOM_TEST_SEEDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 60;
}

/// A stage with both pools and the watchers. Puppets know which pool they are in.
class watched_stage : public stage {
public:
  explicit watched_stage(config::node config) : stage{std::move(config)} {
    plan.policies[1] = plan.policies[0];
    plan.later[1] = true;
    plan.watched = true;
    house->make_worker = [this](const actors::member& who, std::string_view, pool_kind pool,
                                std::shared_ptr<machine::worker_events> events) {
      auto fresh = std::make_shared<puppet>(std::move(events));
      names[fresh.get()] = std::string{protocols::to_string(pool)} + "/" + who.config.name;
      workers[names[fresh.get()]] = fresh;
      all.push_back(fresh);
      return fresh;
    };
  }

  std::map<const puppet*, std::string> names;  ///< With the pool: "baseline/d0-s0".

  int steer(steering word) {
    auto status = std::make_shared<int>(0);
    using what = steering::what;
    const bool back = word.verb == what::roll_back || word.verb == what::confirm
                      || word.verb == what::cancel || word.verb == what::verify;
    word.told = [status](int code, const std::string&, const std::string&) { *status = code; };
    house->board.leave(
        back ? actors::watch_board::box::rollback : actors::watch_board::box::rollout,
        std::move(word));
    caf::anon_send(root, protocols::steer_atom::value,
                   static_cast<std::uint32_t>(back ? actors::root_state::undoing
                                                   : actors::root_state::rolling));
    world.dispatch();
    return *status;
  }
  int steer(steering::what verb, double percentage = 0) {
    steering word;
    word.verb = verb;
    word.percentage = percentage;
    word.reason = "the test says so";
    return steer(std::move(word));
  }
  /// Sets the share, as soon as there is a warm baseline to come back to.
  void route(double percentage) {
    for (int i = 0; i < 100 && steer(steering::what::route, percentage) != 200; ++i) live(50ms);
  }
  /// Whoever is asked to do something does it.
  void behave(const std::string& fails = "nobody") {
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto one = all[i];
      if (one->gone) continue;
      if (one->stopping) {
        one->die();
        continue;
      }
      one->get_ready();
      while (!one->held.empty())
        if (names[one.get()].starts_with(fails))
          one->fail_one(true);
        else
          one->finish_one();
    }
  }
  void live(std::chrono::milliseconds time, const std::string& fails = "nobody") {
    for (auto passed = 0ms; passed < time; passed += 50ms) {
      behave(fails);
      world.advance(50ms);
    }
  }
  [[nodiscard]] std::optional<rollback_state> rollback() const {
    return house->board.read([](const actors::watch_board::content& board) {
      return board.rollbacks.empty() ? std::optional<rollback_state>{}
                                     : board.rollbacks.back().plan.state();
    });
  }
  [[nodiscard]] runtime::rollout::phase phase() const {
    return house->board.read([](const actors::watch_board::content& board) {
      return board.rollout ? board.rollout->at() : runtime::rollout::phase::idle;
    });
  }
  [[nodiscard]] std::uint64_t ended(pool_kind pool) const {
    std::uint64_t sum = 0;
    for (const auto& one : house->pool(pool).gauge.ends) sum += one.load();
    return sum;
  }
};

config::node quick_cast() {
  auto config = small_cast(2, 3);
  config.pool.max_warm = 3;
  config.pool.min_residency = 0ms;
  config.health_interval = 1s;
  config.rollout.check_interval = 500ms;
  config.rollout.grace = 2s;
  config.rollout.shadow_hold = 3s;
  config.rollout.step_hold = 3s;
  config.rollout.min_samples = 20;
  config.rollout.criteria.memory_efficiency = 0.1;
  config.rollback.memory_efficiency = 0.01;
  config.supervision.restarts_max = 1000;
  config.supervision.delay = 1ms;
  for (auto& department : config.departments)
    for (auto& one : department.specialists) {
      one.backend.task_timeout = 60s;
      one.backend.stop_timeout = 100ms;
    }
  return config;
}

std::string someone(std::mt19937_64& chance) {
  return "d" + std::to_string(chance() % 2) + "-s" + std::to_string(chance() % 3);
}

TEST(Rollout, GoesThroughItsSixPhasesWhileBothPoolsAnswerAlike) {
  watched_stage play{quick_cast()};
  play.open();
  ASSERT_EQ(play.steer(steering::what::start), 200);
  EXPECT_EQ(play.steer(steering::what::start), 409);
  std::mt19937_64 chance{7};
  std::vector<runtime::rollout::phase> seen;
  for (int i = 0; i < 2400 && play.phase() != runtime::rollout::phase::complete; ++i) {
    if (seen.empty() || seen.back() != play.phase()) seen.push_back(play.phase());
    play.ask("d0-s" + std::to_string(chance() % 2));
    play.live(50ms);
  }
  seen.push_back(play.phase());
  using enum runtime::rollout::phase;
  EXPECT_EQ(seen, (std::vector{preparation, shadow_mode, partial_rollout, full_deployment,
                               optimization, complete}));
  EXPECT_EQ(play.house->routes.now().routes, mode::full);
  EXPECT_FALSE(play.house->routes.baseline_warm);
  for (int i = 0; i < 20; ++i) play.live(50ms);
  for (const auto& one : play.callers) EXPECT_EQ(one->ends, 1);
}

TEST(Rollout, LetsTheBaselineAnswerInShadowAndComparesBeside) {
  watched_stage play{quick_cast()};
  play.open();
  play.steer(steering::what::start);
  play.live(2s);
  ASSERT_EQ(play.phase(), runtime::rollout::phase::shadow_mode);
  const auto before = play.house->gauge.accepted();
  for (int i = 0; i < 10; ++i) {
    const auto who = play.ask("d0-s0");
    play.live(200ms);
    EXPECT_EQ(who->ends, 1);
  }
  play.live(1s);
  const auto shadow = play.house->shadow.read();
  EXPECT_EQ(shadow.mirrored, 10u);
  EXPECT_EQ(shadow.commands_compared, 10u);
  EXPECT_EQ(shadow.commands_differing, 0u);
  EXPECT_EQ(play.ended(pool_kind::intelligent), 10u);
  // Copies are nobody's tasks.
  EXPECT_EQ(play.house->gauge.accepted(), before + 10);
  EXPECT_EQ(play.house->gauge.ended.load(), play.house->gauge.accepted());
}

TEST(Rollout, NeverMirrorsWhatIsUnsafe) {
  auto config = quick_cast();
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  watched_stage play{config};
  play.open();
  play.steer(steering::what::start);
  play.live(2s);
  ASSERT_EQ(play.phase(), runtime::rollout::phase::shadow_mode);
  for (int i = 0; i < 5; ++i) play.ask("d0-s0");
  play.live(1s);
  EXPECT_EQ(play.ended(pool_kind::intelligent), 0u);
  EXPECT_EQ(play.house->shadow.read()
                .drops[static_cast<std::size_t>(runtime::rollout::mirror_drop::unsafe)],
            5u);
}

TEST(Rollout, KeepsACaseInOnePool) {
  watched_stage play{quick_cast()};
  play.open();
  play.route(50);
  ASSERT_EQ(play.house->routes.now().routes, mode::hybrid);
  std::size_t smart = 0;
  for (int i = 0; i < 200; ++i) {
    const auto name = "case " + std::to_string(i);
    const auto first = play.house->routes.answering(name, "");
    for (int again = 0; again < 3; ++again)
      EXPECT_EQ(play.house->routes.answering(name, ""), first);
    if (first == pool_kind::intelligent) ++smart;
  }
  EXPECT_GT(smart, 60u);
  EXPECT_LT(smart, 140u);
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
  EXPECT_EQ(play.house->routes.now().routes, mode::fallback);
  for (int i = 0; i < 200 && play.rollback() != rollback_state::done; ++i) {
    play.ask(someone(chance));
    play.live(50ms, "intelligent/");
  }
  EXPECT_EQ(play.rollback(), rollback_state::done);
  EXPECT_LT(play.world.now_ns() - turned_bad, 30'000'000'000);
  play.live(2s);
  for (const auto& one : play.callers) EXPECT_EQ(one->ends, 1);
  EXPECT_TRUE(actors::ledger_now(*play.house).balanced);
  EXPECT_FALSE(play.house->routes.rolling_back);
  // And it starts again, from shadow.
  EXPECT_EQ(play.steer(steering::what::start), 200);
  play.live(2s);
  EXPECT_EQ(play.phase(), runtime::rollout::phase::shadow_mode);
  EXPECT_EQ(play.house->routes.now().routes, mode::shadow);
}

TEST(Rollback, MovesWhatWaitsAndFencesWhatHangs) {
  watched_stage play{quick_cast()};
  play.open();
  play.route(100);
  play.live(1s);
  // One runs for ever in the intelligent pool, others wait behind it.
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
  for (const auto& one : behind) EXPECT_EQ(one->ends, 1);  // Within two seconds.
  EXPECT_EQ(stuck->ends, 0);
  for (int i = 0; i < 560; ++i) baseline_works();
  EXPECT_EQ(stuck->ends, 1);
  EXPECT_EQ(stuck->state, protocols::task_state::completed);
  EXPECT_EQ(play.rollback(), rollback_state::done);
  play.house->board.read([](const actors::watch_board::content& board) {
    const auto& plan = board.rollbacks.back().plan;
    EXPECT_EQ(plan.fenced(), 1u);
    EXPECT_TRUE(plan.within_budget());
    return 0;
  });
}

// One random play: both pools, crashes everywhere, a rollback somewhere in the middle.
void play_once(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 chance{seed};
  auto config = quick_cast();
  config.pool.max_warm = 1 + chance() % 4;
  config.queue.per_specialist = 16;
  for (auto& department : config.departments)
    for (auto& one : department.specialists)
      one.backend.side_effects = static_cast<config::side_effects>(chance() % 3);
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
          caf::anon_send(play.root, protocols::drop_atom::value,
                         static_cast<std::uint32_t>(actors::root_state::watching + chance() % 3));
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
  ASSERT_TRUE(play.rollback());
  EXPECT_TRUE(play.rollback() == rollback_state::done
              || play.rollback() == rollback_state::unverified)
      << name_of(*play.rollback());
  EXPECT_EQ(play.house->routes.now().routes, mode::fallback);
  EXPECT_EQ(play.house->gauge.accepted(), play.house->gauge.ended.load());
  EXPECT_EQ(play.house->gauge.depth(), 0u);
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
    for (const auto& stand : play.house->pool(kind).specialists)
      EXPECT_EQ(stand ? stand->gauge.depth() : 0, 0u);
  EXPECT_TRUE(actors::ledger_now(*play.house).balanced);
}

TEST(Rollback, LosesNothingInAnyOrderWhoeverCrashes) {
  for (std::uint64_t seed = 0; seed < seeds() && !testing::Test::HasFailure(); ++seed)
    play_once(seed);
}

}  // namespace
}  // namespace greenroom::tests
