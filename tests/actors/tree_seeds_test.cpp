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

// One random run: callers ask, workers start, answer, fail and die, actors are killed, callers
// cancel, and time passes; then everything may come to rest.
void play_once(std::uint64_t seed, bool kill_actors, std::set<std::string>& lost) {
  std::mt19937_64 chance{seed};
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
  stage node{config};
  node.open();
  std::vector<protocols::task_id> ids;
  for (int step = 0; step < 150; ++step) {
    switch (chance() % 12) {
      case 0:
      case 1:
      case 2:
      case 3:
        node.ask("d" + std::to_string(chance() % 2) + "-s" + std::to_string(chance() % 3));
        if (!node.refused) ids.push_back(node.last);
        break;
      case 4:
      case 5:
        for (auto& one : node.all)
          if (!one->gone && chance() % 2 == 0) one->get_ready();
        break;
      case 6:
      case 7:
        for (auto& one : node.all)
          if (!one->gone && chance() % 2 == 0) one->finish_one();
        break;
      case 8: {
        if (node.all.empty()) break;
        auto& one = *node.all[chance() % node.all.size()];
        if (one.gone) break;
        if (one.stopping || chance() % 3 == 0)
          one.die();
        else
          one.fail_one(chance() % 2 == 0);
        break;
      }
      case 9:
        if (!ids.empty() && chance() % 3 == 0)
          if (const auto job = node.shared->ledger.find(ids[chance() % ids.size()]))
            static_cast<void>(node.desk.cancel(*job));
        break;
      case 10: node.world.dispatch_some(chance, chance() % 20); break;
      default:
        if (kill_actors && chance() % 3 == 0) node.kill_someone(chance);
        node.world.dispatch(chance);
        node.world.advance(10ms * (chance() % 50));
    }
  }
  // Now all workers behave, and whatever is accepted must end.
  for (int i = 0; i < 400 && !node.everyone_heard_once(); ++i) {
    for (auto& one : node.all) {
      if (one->gone) continue;
      if (one->stopping)
        one->die();
      else {
        one->get_ready();
        while (!one->held.empty()) one->finish_one();
      }
    }
    node.world.dispatch(chance);
    node.world.advance(100ms);
  }
  for (const auto& one : node.shared->events.after(0))
    if (one.kind == "actor.lost") lost.insert(one.json);
  std::string left;
  node.shared->ledger.for_each([&](const protocols::task_ptr& job) {
    if (job->ended()) return;
    left += " specialist " + std::to_string(job->specialist) + " place "
            + std::to_string(static_cast<int>(job->location.load())) + " phase "
            + std::to_string(static_cast<int>(job->phase));
  });
  for (const auto& one : node.events()) left += "\n" + one;
  for (const auto& one : node.callers) ASSERT_EQ(one->ends, 1) << left;
  steady_workers{node, {.start = 100ms, .run = 100ms, .stop = 50ms}}.expect_progress(chance, 4s);
  for (int i = 0; i < 20; ++i) {
    for (auto& one : node.all)
      if (!one->gone && one->stopping) one->die();
    node.world.advance(100ms);
  }
  // No task is lost and no counter leaks: accepted = ended.
  EXPECT_EQ(node.shared->gauge.accepted(), node.shared->gauge.ended());
  EXPECT_EQ(node.shared->gauge.depth(), 0u);
  for (const auto& record : node.shared->pools.of(protocols::pool_kind::intelligent).specialists)
    EXPECT_EQ(record.gauge.depth(), 0u);
  for (auto& one : node.all) one->held.clear();
  EXPECT_EQ(node.shared->ledger.alive(), 0u);
}

TEST(Tree, AnswersEveryTaskExactlyOnceInAnyOrder) {
  std::set<std::string> lost;
  for_each_seed(0, 150, [&](std::uint64_t seed) { play_once(seed, false, lost); });
  EXPECT_THAT(lost, testing::IsEmpty());
}

TEST(Tree, AnswersEveryTaskExactlyOnceWhileItsActorsAreKilled) {
  std::set<std::string> lost;
  for_each_seed(1000, 150, [&](std::uint64_t seed) { play_once(seed, true, lost); });
  // In few plays chance may spare one of them.
  if (seeds(150) < 100) return;
  EXPECT_THAT(lost,
              testing::IsSupersetOf({R"({"actor":"dispatcher"})", R"({"actor":"director"})",
                                     R"({"actor":"intelligent pool"})", R"({"department":"D0"})",
                                     R"({"department":"D1"})", R"({"specialist":"d0-s0"})",
                                     R"({"specialist":"d1-s2"})"}));
}

}  // namespace
}  // namespace greenroom::tests
