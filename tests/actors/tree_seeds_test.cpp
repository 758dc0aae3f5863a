// In any interleaving and with any crashes, each caller receives exactly one end, and later callers
// are served.
#include "tests/support/steady_workers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;

config::node random_tree_config(std::mt19937_64& chance) {
  auto config = small_cast(2, 3);
  config.pool.max_warm = 1 + chance() % 4;
  config.pool.min_residency = 100ms * (chance() % 10);
  config.pool.cooldown = 1s;
  config.supervision.restarts_max = 1000;  // Escalation has its own tests.
  config.supervision.delay = 1ms;
  config.queue.per_specialist = 8;
  for (auto& department : config.departments) department.restart.intensity = 1000;
  for (auto& department : config.departments)
    for (auto& one : department.specialists) {
      one.backend.concurrency = 1 + chance() % 3;
      one.backend.task_timeout = 20s;
      one.backend.stop_timeout = 100ms;
      one.backend.side_effects = static_cast<config::side_effects>(chance() % 3);
    }
  if (chance() % 2 == 0) {
    // Fallbacks within a department, to another department, and in a chain.
    config.breaker.failures = 1 + chance() % 3;
    config.breaker.open = 100ms * (1 + chance() % 10);
    config.departments[0].specialists[1].fallback = "d0-s2";
    config.departments[0].specialists[2].fallback = "d1-s0";
    config.departments[1].specialists[1].fallback = "d1-s0";
  }
  return config;
}

// One random run: callers ask, workers start, answer, fail and die, actors are killed, callers
// cancel, and time passes; then all tasks may end.
class random_run {
public:
  random_run(std::uint64_t seed, bool kill_actors)
      : chance_{seed}, kill_actors_{kill_actors}, node_{random_tree_config(chance_)} {
    node_.open();
  }

  void run() {
    for (int step = 0; step < 150; ++step) take_step();
    end_all_tasks();
    for (const auto& one : node_.callers) ASSERT_EQ(one->ends, 1) << open_tasks();
    steady_workers{node_, {.start = 100ms, .run = 100ms, .stop = 50ms}}.expect_progress(chance_,
                                                                                        4s);
    for (int i = 0; i < 20; ++i) {
      for (auto& one : node_.all)
        if (!one->gone && one->stopping) one->die();
      node_.world.advance(100ms);
    }
    expect_nothing_left();
  }

  void add_losses(std::set<std::string>& to) const {
    for (const auto& one : node_.shared->events.after(0))
      if (one.kind == "actor.lost") to.insert(one.json);
  }

private:
  void take_step() {
    switch (chance_() % 12) {
      case 0:
      case 1:
      case 2:
      case 3:
        node_.ask("d" + std::to_string(chance_() % 2) + "-s" + std::to_string(chance_() % 3));
        if (!node_.refused) ids_.push_back(node_.last);
        break;
      case 4:
      case 5:
        for (auto& one : node_.all)
          if (!one->gone && chance_() % 2 == 0) one->get_ready();
        break;
      case 6:
      case 7:
        for (auto& one : node_.all)
          if (!one->gone && chance_() % 2 == 0) one->finish_one();
        break;
      case 8: break_one_worker(); break;
      case 9: cancel_one(); break;
      case 10: node_.world.dispatch_some(chance_, chance_() % 20); break;
      default:
        if (kill_actors_ && chance_() % 3 == 0) node_.kill_someone(chance_);
        node_.world.dispatch(chance_);
        node_.world.advance(10ms * (chance_() % 50));
    }
  }

  void break_one_worker() {
    if (node_.all.empty()) return;
    auto& one = *node_.all[chance_() % node_.all.size()];
    if (one.gone) return;
    if (one.stopping || chance_() % 3 == 0)
      one.die();
    else
      one.fail_one(chance_() % 2 == 0);
  }

  void cancel_one() {
    if (ids_.empty() || chance_() % 3 != 0) return;
    if (const auto job = node_.shared->ledger.find(ids_[chance_() % ids_.size()]))
      static_cast<void>(node_.desk.cancel(*job));
  }

  // Now all workers succeed, and every accepted task must end.
  void end_all_tasks() {
    for (int i = 0; i < 400 && !node_.everyone_heard_once(); ++i) {
      for (auto& one : node_.all) {
        if (one->gone) continue;
        if (one->stopping)
          one->die();
        else {
          one->get_ready();
          while (!one->held.empty()) one->finish_one();
        }
      }
      node_.world.dispatch(chance_);
      node_.world.advance(100ms);
    }
  }

  [[nodiscard]] std::string open_tasks() {
    std::string result;
    node_.shared->ledger.for_each([&](const protocols::task_ptr& job) {
      if (job->ended()) return;
      result += " specialist " + std::to_string(job->specialist) + " place "
                + std::to_string(static_cast<int>(job->location.load())) + " phase "
                + std::to_string(static_cast<int>(job->phase));
    });
    for (const auto& one : node_.events()) result += "\n" + one;
    return result;
  }

  // No task is lost and no counter leaks: accepted = ended.
  void expect_nothing_left() {
    EXPECT_EQ(node_.shared->gauge.accepted(), node_.shared->gauge.ended());
    EXPECT_EQ(node_.shared->gauge.depth(), 0u);
    for (const auto& record : node_.shared->pools.of(protocols::pool_kind::intelligent).specialists)
      EXPECT_EQ(record.gauge.depth(), 0u);
    for (auto& one : node_.all) one->held.clear();
    EXPECT_EQ(node_.shared->ledger.alive(), 0u);
  }

  std::mt19937_64 chance_;
  const bool kill_actors_;
  stage node_;
  std::vector<protocols::task_id> ids_;
};

void run_once(std::uint64_t seed, bool kill_actors, std::set<std::string>& lost) {
  random_run one{seed, kill_actors};
  one.run();
  one.add_losses(lost);
}

TEST(Tree, AnswersEveryTaskExactlyOnceInAnyOrder) {
  std::set<std::string> lost;
  for_each_seed(0, 150, [&](std::uint64_t seed) { run_once(seed, false, lost); });
  EXPECT_THAT(lost, testing::IsEmpty());
}

TEST(Tree, AnswersEveryTaskExactlyOnceWhileItsActorsAreKilled) {
  std::set<std::string> lost;
  for_each_seed(1000, 150, [&](std::uint64_t seed) { run_once(seed, true, lost); });
  // In few runs chance may spare an actor.
  if (seeds(150) < 100) return;
  EXPECT_THAT(lost,
              testing::IsSupersetOf({R"({"actor":"dispatcher"})", R"({"actor":"director"})",
                                     R"({"actor":"intelligent pool"})", R"({"department":"D0"})",
                                     R"({"department":"D1"})", R"({"specialist":"d0-s0"})",
                                     R"({"specialist":"d1-s2"})"}));
}

}  // namespace
}  // namespace greenroom::tests
