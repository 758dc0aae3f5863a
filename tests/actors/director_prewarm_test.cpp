// The director: starts ahead of demand, in virtual time.
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
  runtime::plan review(std::span<const runtime::slot_state> states, double) override {
    runtime::plan answer;
    for (std::uint32_t i = 0; i < states.size(); ++i)
      if (states[i].state == worker_state::cold)
        answer.warm.push_back({i, runtime::reason::predicted, 1});
    return answer;
  }
};

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
  EXPECT_EQ(node.starts["d0-s0"], 1) << "a specialist that was cooled by hand was prewarmed again";
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

}  // namespace
}  // namespace greenroom::tests
