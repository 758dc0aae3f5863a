// Departments in virtual time, inside the whole tree.
#include "actors/tasks/department.hpp"

#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using base::worker_state;
using protocols::failure, protocols::priority, protocols::task_state;

TEST(Department, SharesOneStartAmongAllWhoWaitForIt) {
  stage node{small_cast(1, 1)};
  node.open();
  for (int i = 0; i < 5; ++i) node.ask("d0-s0");
  node.world.dispatch();
  EXPECT_EQ(node.starts["d0-s0"], 1);
  node.worker("d0-s0").get_ready();
  for (int i = 0; i < 5; ++i) {
    node.world.dispatch();
    node.worker("d0-s0").finish_one();
  }
  node.world.dispatch();
  EXPECT_TRUE(node.everyone_heard_once());
  EXPECT_EQ(node.starts["d0-s0"], 1);
  EXPECT_TRUE(node.callers.front()->cold);
}

TEST(Department, GivesAWorkerNoMoreThanItsConcurrency) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.concurrency = 2;
  stage node{config};
  node.open();
  for (int i = 0; i < 6; ++i) node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  EXPECT_EQ(node.worker("d0-s0").held.size(), 2u);
  node.finish_one("d0-s0");
  EXPECT_EQ(node.worker("d0-s0").held.size(), 2u);
}

TEST(Department, RetriesWhatFailedAfterTheBackoffAndNotBefore) {
  auto config = small_cast(1, 1);
  config.retry.jitter = 0;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(true);
  node.world.advance(99ms);
  EXPECT_TRUE(node.worker("d0-s0").held.empty());
  node.world.advance(12ms);  // The department looks every 10 ms.
  ASSERT_EQ(node.worker("d0-s0").held.size(), 1u);
  node.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(who->attempts, 2u);
}

TEST(Department, TriesAgainNoSoonerThanTheWorkerAskedFor) {
  auto config = small_cast(1, 1);
  config.retry.jitter = 0;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(true, 3s);
  node.world.advance(3s - 1ms);
  EXPECT_TRUE(node.worker("d0-s0").held.empty());
  node.world.advance(12ms);
  ASSERT_EQ(node.worker("d0-s0").held.size(), 1u);
  // The requested pause ends after the deadline, so the task fails at once.
  node.worker("d0-s0").fail_one(true, 40s);
  node.world.dispatch();
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->why, failure::worker_failed);
  EXPECT_EQ(who->attempts, 2u);
  EXPECT_EQ(who->retry_after_ms, 40'000);
}

TEST(Department, RetriesNoSoonerThanAskedThoughTheCircuitIsProbedBefore) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 2;
  config.breaker.open = 1s;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  for (int i = 0; i < 2; ++i) {
    node.worker("d0-s0").fail_one(true, 3s);
    node.world.dispatch();
  }
  node.world.advance(3s - 1ms);
  EXPECT_TRUE(node.worker("d0-s0").held.empty());
  node.world.advance(12ms);
  EXPECT_EQ(node.worker("d0-s0").held.size(), 1u) << "the probe";
}

TEST(Department, KeepsTheSlotOfAWorkerThatDiedWithATask) {
  auto config = small_cast(1, 2);
  config.pool.max_warm = 1;
  stage node{config};
  node.open();
  const auto first = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  const auto second = node.ask("d0-s1");
  node.world.dispatch();
  node.worker("d0-s0").die();
  node.world.advance(1s);
  EXPECT_EQ(node.starts["d0-s0"], 2) << "it starts again in its own slot";
  EXPECT_EQ(node.starts.count("d0-s1"), 0u);
  node.get_ready("d0-s0");
  node.worker("d0-s0").finish_one();
  node.world.advance(10s);
  EXPECT_EQ(first->ends, 1);
  EXPECT_EQ(first->attempts, 2u);
  EXPECT_TRUE(node.worker("d0-s0").stopping) << "and then it is the other's turn";
  node.worker("d0-s0").die();
  node.world.advance(1s);
  EXPECT_EQ(node.starts["d0-s1"], 1);
  EXPECT_EQ(second->ends, 0);
}

TEST(Department, StartsNoWorkerOnceTheGraceOfADrainIsOver) {
  auto config = small_cast(1, 3);
  config.departments[0].specialists[2].pin = true;
  stage node{config};
  node.open();
  node.worker("d0-s2").get_ready();
  node.ask("d0-s0");
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.shared->gauge.closing = true;
  node.worker("d0-s0").die();
  node.worker("d0-s2").die();
  node.ask("d0-s1");
  node.world.advance(10s);
  EXPECT_EQ(node.starts["d0-s0"], 1);
  EXPECT_EQ(node.starts["d0-s1"], 0);
  EXPECT_EQ(node.starts["d0-s2"], 1);
}

TEST(Department, GivesUpAfterTheLastAttempt) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").get_ready();
  for (int i = 0; i < 3; ++i) {
    node.world.advance(1s);
    node.worker("d0-s0").fail_one(true);
  }
  node.world.dispatch();
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->why, failure::worker_failed);
  EXPECT_EQ(who->attempts, 3u);
}

TEST(Department, NeverRetriesWhatTheWorkerRefused) {
  stage node{small_cast(1, 1)};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(false);
  node.world.dispatch();
  EXPECT_EQ(who->why, failure::refused);
  EXPECT_EQ(who->attempts, 1u);
}

TEST(Department, RunsAnUnsafeTaskOnceAndCallsItsEndUnknown) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").die();
  node.world.advance(5s);
  EXPECT_EQ(who->state, task_state::unknown);
  EXPECT_EQ(who->attempts, 1u);
}

TEST(Department, KnowsTheEndOfAnUnsafeTaskWhoseWorkerAnswered) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(true);
  node.world.advance(5s);
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->state, task_state::failed);
  EXPECT_EQ(who->why, failure::worker_failed);
  EXPECT_EQ(who->attempts, 1u);
  EXPECT_EQ(who->output, "it failed, and it is not safe to try again");
  auto other = node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").fail_one(true, 0ms, false);
  node.world.advance(5s);
  EXPECT_EQ(other->state, task_state::unknown);
}

TEST(Department, RunsAgainWhatADeadWorkerHeld) {
  stage node{small_cast(1, 1)};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").die();
  node.world.advance(1s);
  ASSERT_EQ(node.starts["d0-s0"], 2);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(who->attempts, 2u);
}

TEST(Department, FailsThoseWhoWaitForAWorkerThatCannotStart) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  config.breaker.open = 1ms;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  for (int i = 0; i < 3; ++i) {
    node.world.advance(3s);
    node.worker("d0-s0").die(true);
  }
  node.world.dispatch();
  EXPECT_EQ(who->why, failure::start_failed);
  EXPECT_EQ(who->ends, 1);
}

TEST(Department, ServesHigherPrioritiesFirst) {
  stage node{small_cast(1, 1)};
  node.open();
  task_request low;
  low.urgency = priority::low;
  task_request high;
  high.urgency = priority::high;
  auto last = node.ask("d0-s0", low);
  auto first = node.ask("d0-s0", high);
  auto second = node.ask("d0-s0", high);
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(first->ends, 1);
  EXPECT_EQ(last->ends, 0);
  node.finish_one("d0-s0");
  EXPECT_EQ(second->ends, 1);
  EXPECT_EQ(last->ends, 0);
}

TEST(Department, OpensTheCircuitAndProbesItLater) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 2;
  config.breaker.open = 5s;
  config.retry.max_attempts = 1;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").get_ready();
  for (int i = 0; i < 2; ++i) {
    node.world.dispatch();
    node.worker("d0-s0").fail_one(true);
  }
  node.world.dispatch();
  node.ask("d0-s0");
  ASSERT_TRUE(node.refused);
  EXPECT_EQ(node.refused->why, failure::circuit_open);
  EXPECT_GT(node.refused->retry_after, 0ms);
  node.world.advance(5s);
  auto probe = node.ask("d0-s0");
  ASSERT_FALSE(node.refused);
  node.world.advance(50ms);
  node.finish_one("d0-s0");
  EXPECT_EQ(probe->state, task_state::completed);
  const auto told = node.events();
  EXPECT_EQ(std::ranges::count(told, R"(circuit.closed {"specialist":"d0-s0"})"), 1);
}

TEST(Department, TellsNothingOfACircuitThatWasNeverOpen) {
  stage node{small_cast(1, 1)};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  ASSERT_TRUE(node.everyone_heard_once());
  for (const auto& one : node.events()) EXPECT_FALSE(one.starts_with("circuit.")) << one;
}

TEST(Department, LetsNobodyWaitPastTheDeadline) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  stage node{config};
  node.open();
  auto who = node.ask("d0-s0");
  node.world.advance(2s - 1ms);
  EXPECT_EQ(who->ends, 0);
  node.world.advance(12ms);
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output, "the deadline passed while its worker started");
}

TEST(Department, TellsWhoRanOutOfTimeWhatTheLastAttemptDiedOf) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  config.breaker.failures = 100;
  stage node{config};
  node.open();
  const auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(true);
  node.world.advance(200ms);
  node.worker("d0-s0").die();
  node.world.advance(2s);
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output,
            "the deadline passed while its worker started; attempt 2 failed: the worker died");
}

TEST(Department, TellsWhoRanOutOfTimeInTheSecondAttemptHowTheFirstOneEnded) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  stage node{config};
  node.open();
  const auto who = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.worker("d0-s0").fail_one(true);
  node.world.advance(3s);
  EXPECT_EQ(who->output, "the deadline passed while it ran; attempt 1 failed: it failed");
}

TEST(Department, TellsWhoRanOutOfTimeThatTheCircuitWasOpen) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  config.breaker.failures = 2;
  stage node{config};
  node.open();
  const auto who = node.ask("d0-s0");
  const auto behind = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  // One task is retried before the other's failure opens the circuit, and fails again.
  for (int i = 0; i < 3; ++i) {
    node.world.advance(200ms);
    node.worker("d0-s0").fail_one(true);
  }
  node.world.advance(2s);
  const std::string circuit = "the deadline passed while the circuit of its specialist was open";
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output, circuit + "; attempt 2 failed: it failed");
  EXPECT_EQ(behind->output, circuit + "; attempt 1 failed: it failed");
}

TEST(Department, TellsWhoWaitedForAnotherToLeaveThatItWasForASlot) {
  auto config = small_cast(1, 2);
  config.pool.max_warm = 1;
  config.departments[0].specialists[1].backend.task_timeout = 2s;
  stage node{config};
  node.open();
  node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  const auto who = node.ask("d0-s1");
  node.world.advance(3s);
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output, "the deadline passed while it waited for a warm slot (pool.max_warm)");
  EXPECT_EQ(node.starts.count("d0-s1"), 0u);
}

TEST(Department, StopsAWorkerThatIgnoresItsDeadlineAndRunsTheOthersElsewhere) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  config.departments[0].specialists[0].backend.stop_timeout = 500ms;
  stage node{config};
  node.open();
  auto late = node.ask("d0-s0");
  node.world.dispatch();
  node.worker("d0-s0").get_ready();
  node.world.advance(1s);
  task_request patient;
  patient.timeout = 10s;
  auto other = node.ask("d0-s0", patient);
  node.world.advance(1100ms);
  EXPECT_EQ(late->why, failure::out_of_time);
  EXPECT_GT(node.worker("d0-s0").cancels, 0);
  EXPECT_FALSE(node.worker("d0-s0").stopping) << "it may still let go";
  node.world.advance(700ms);
  EXPECT_TRUE(node.worker("d0-s0").stopping);
  EXPECT_EQ(node.starts["d0-s0"], 1) << "its slot is held until it is really gone";
  node.worker("d0-s0").die();
  node.world.advance(200ms);
  ASSERT_EQ(node.starts["d0-s0"], 2);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(other->state, task_state::completed);
}

TEST(Department, ForgetsACancelledTaskWhereverItIs) {
  stage node{small_cast(1, 1)};
  node.open();
  auto running = node.ask("d0-s0");
  const auto running_id = node.last;
  auto waiting = node.ask("d0-s0");
  const auto waiting_id = node.last;
  auto third = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(waiting_id)));
  EXPECT_EQ(waiting->state, task_state::cancelled);
  EXPECT_TRUE(node.desk.cancel(*node.shared->ledger.find(running_id)));
  EXPECT_EQ(running->state, task_state::cancelled);
  node.world.advance(300ms);
  EXPECT_TRUE(node.worker("d0-s0").cancels > 0);
  node.worker("d0-s0").die();
  node.world.advance(300ms);
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(third->state, task_state::completed);
  EXPECT_TRUE(node.everyone_heard_once());
}

// A task that waits for the slot ends in one of three ways; the next caller is served as if that
// task had never waited.
TEST(Department, ServesWhoCallsAfterOneThatGaveUpWaitingForASlot) {
  for (const auto how : {"time-out", "cancel", "both"}) {
    SCOPED_TRACE(how);
    auto config = small_cast(1, 2);
    config.pool.max_warm = 1;
    config.pool.min_residency = 0ms;
    stage node{config};
    node.open();
    node.ask("d0-s0");
    node.world.dispatch();
    node.get_ready("d0-s0");
    task_request impatient;
    if (how != std::string_view{"cancel"}) impatient.timeout = 300ms;
    node.ask("d0-s1", impatient);
    node.world.advance(200ms);
    if (how != std::string_view{"time-out"})
      static_cast<void>(node.desk.cancel(*node.shared->ledger.find(node.last)));
    node.world.advance(2s);
    node.finish_one("d0-s0");
    node.world.advance(1500ms);
    const auto next = node.ask("d0-s1");
    node.world.advance(50ms);
    ASSERT_TRUE(node.worker("d0-s0").stopping);
    node.worker("d0-s0").die();
    node.world.advance(50ms);
    ASSERT_EQ(node.starts["d0-s1"], 1);
    node.get_ready("d0-s1");
    node.finish_one("d0-s1");
    EXPECT_EQ(next->state, task_state::completed);
  }
}

std::size_t starts_within(stage& node, const std::string& name, std::chrono::seconds time) {
  const auto before = node.starts[name];
  for (auto passed = 0ms; passed < time; passed += 50ms) {
    if (const auto at = node.workers.find(name); at != node.workers.end())
      if (!at->second->gone && at->second->started) at->second->die(true);
    node.world.advance(50ms);
  }
  return static_cast<std::size_t>(node.starts[name] - before);
}

worker_state shown(stage& node, std::uint32_t who) {
  return node.shared->pools.of(protocols::pool_kind::intelligent)
      .specialists[who]
      .gauge.state.load();
}

// A policy that always wants every specialist warm.
struct expecting final : runtime::warm_policy {
  void learn(runtime::specialist_index who, const runtime::specialist_facts&) override {
    count = std::max(count, who + 1);
  }
  void set_limits(const runtime::pool_limits&) override {}
  void observe_arrival(runtime::specialist_index, std::uint64_t, double) override {}
  void observe_idle(runtime::specialist_index, double) override {}
  room make_room(runtime::specialist_index, std::span<const runtime::seat>, double) override {
    return {true, {}};
  }
  runtime::plan review(std::span<const runtime::seat> seats, double now_s) override {
    runtime::plan answer;
    for (runtime::specialist_index who = 0; who < count; ++who)
      if (seats[who].state == worker_state::cold)
        answer.warm.push_back({who, runtime::reason::predicted, 1});
    answer.next_review_s = now_s + 0.1;
    return answer;
  }
  runtime::specialist_index count = 0;
};

TEST(Department, TriesAWorkerThatCannotStartThreeTimesUntilSomebodyAsks) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  stage node{config};
  node.options.policies[0] = [] { return std::make_unique<expecting>(); };
  node.open();
  EXPECT_EQ(1 + starts_within(node, "d0-s0", 60s), 3u) << "it is only expected";
  EXPECT_EQ(shown(node, 0), worker_state::failed);
  const auto& record = node.shared->pools.of(protocols::pool_kind::intelligent).specialists[0];
  EXPECT_EQ(record.last_error.read([](const std::string& text) { return text; }), "died");
  const auto who = node.ask("d0-s0");
  EXPECT_EQ(starts_within(node, "d0-s0", 60s), 3u) << "somebody asked for it";
  EXPECT_EQ(who->why, failure::start_failed);
  EXPECT_EQ(shown(node, 0), worker_state::failed);
  // The reload may bring another command.
  static_cast<void>(node.shared->replace_catalog(
      actors::make_catalog(node.shared->catalogs.now().config, &node.shared->catalogs.now())));
  caf::anon_send(node.root, protocols::settings_changed{});
  EXPECT_EQ(starts_within(node, "d0-s0", 60s), 3u) << "the configuration has changed";
  caf::anon_send(node.root, protocols::warm_by_hand{0});
  node.world.advance(3s);
  node.get_ready("d0-s0");
  EXPECT_EQ(shown(node, 0), worker_state::warm) << "an operator asked for it";
}

TEST(Department, TriesAPinnedWorkerThatCannotStartMoreAndMoreRarely) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  config.departments[0].specialists[0].pin = true;
  stage node{config};
  node.open();
  static_cast<void>(starts_within(node, "d0-s0", 600s));
  const auto later = starts_within(node, "d0-s0", 600s);
  EXPECT_LE(later, 11u);
  EXPECT_GE(later, 8u);
  EXPECT_EQ(shown(node, 0), worker_state::failed);
}

// The worker becomes ready each time and dies before it ran a task.
TEST(Department, DoesNotReplaceForEverAWorkerThatDiesAsSoonAsItIsReady) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].pin = true;
  stage node{config};
  node.open();
  for (auto passed = 0ms; passed < 600s; passed += 100ms) {
    auto& one = node.worker("d0-s0");
    if (!one.gone) {
      node.get_ready("d0-s0");
      one.die();
    }
    node.world.advance(100ms);
  }
  EXPECT_LE(node.starts["d0-s0"], 25);
  EXPECT_GE(node.starts["d0-s0"], 3) << "it was not given up after the first time";
}

TEST(Department, EndsWhoAsksForOneThatWasTakenOut) {
  auto config = small_cast(1, 2);
  stage node{config};
  node.open();
  const auto early = node.ask("d0-s1");  // Admitted, but its department has not seen it yet.
  config.departments[0].specialists.pop_back();
  static_cast<void>(
      node.shared->replace_catalog(actors::make_catalog(config, &node.shared->catalogs.now())));
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.advance(100ms);
  if (early->ends == 0 && node.workers.contains("d0-s1")) {
    node.get_ready("d0-s1");
    node.finish_one("d0-s1");
  }
  EXPECT_EQ(early->ends, 1);
}

// A specialist returns prefetched tasks when the pool is drained; its worker stays.
TEST(Department, GoesOnWithAWorkerThatGaveBackWhatItHeldAhead) {
  auto config = small_cast(1, 1);
  stage node{config};
  node.open();
  const auto first = node.ask("d0-s0");
  const auto second = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  caf::anon_send(node.shared->pools.of(protocols::pool_kind::intelligent).specialists[0].actor,
                 protocols::give_back_tasks{});
  node.world.dispatch();
  node.finish_one("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(first->state, task_state::completed);
  EXPECT_EQ(second->state, task_state::completed);
  EXPECT_EQ(node.starts["d0-s0"], 1);
}

// The worker neither starts nor fails; its slot must be freed.
TEST(Department, ReplacesAWorkerThatNeitherStartsNorEnds) {
  auto config = small_cast(1, 2);
  config.pool.max_warm = 1;
  config.departments[0].specialists[0].backend.start_timeout = 10s;
  config.departments[0].specialists[0].backend.stop_timeout = 5s;
  stage node{config};
  node.open();
  caf::anon_send(node.root, protocols::warm_by_hand{0});
  node.world.advance(24s);
  caf::anon_send(node.root, protocols::check_workers{});
  const auto other = node.ask("d0-s1");
  node.world.advance(100ms);
  EXPECT_EQ(node.starts.count("d0-s1"), 0u);
  node.world.advance(1s);
  caf::anon_send(node.root, protocols::check_workers{});
  node.world.advance(100ms);
  ASSERT_EQ(node.starts["d0-s1"], 1);
  node.get_ready("d0-s1");
  node.finish_one("d0-s1");
  EXPECT_EQ(other->state, task_state::completed);
}

TEST(Department, CountsAnInputThatFailsAtEachTryAsOneFailure) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 2;
  stage node{config};
  node.open();
  auto poison = node.ask("d0-s0");
  node.world.dispatch();
  node.get_ready("d0-s0");
  for (int i = 0; i < 3; ++i) {
    node.world.advance(1s);
    node.worker("d0-s0").fail_one(true);
  }
  node.world.dispatch();
  EXPECT_EQ(poison->attempts, 3u);
  EXPECT_EQ(poison->ends, 1);
  node.ask("d0-s0");
  EXPECT_FALSE(node.refused) << "the circuit is closed";
}

TEST(Department, DoesNotOpenTheCircuitOfAServerThatIsAskedTooMuch) {
  for (const auto status : {429, 503}) {
    auto config = small_cast(1, 1);
    config.breaker.failures = 2;
    config.retry.max_attempts = 1;
    stage node{config};
    node.open();
    for (int i = 0; i < 4; ++i) {
      node.ask("d0-s0");
      if (node.refused) break;
      node.world.dispatch();
      if (i == 0) node.get_ready("d0-s0");
      node.worker("d0-s0").fail_one_with(status);
      node.world.dispatch();
    }
    EXPECT_EQ(node.refused.has_value(), status == 503);
    if (node.refused) {
      EXPECT_EQ(node.refused->why, failure::circuit_open);
      EXPECT_NE(node.refused->detail.find("5000 ms"), std::string::npos) << node.refused->detail;
    }
  }
}

TEST(Department, LeavesTheCircuitClosedForTwoCallersInAHurry) {
  for (const bool hurried : {true, false}) {
    auto config = small_cast(1, 1);
    config.departments[0].specialists[0].backend.task_timeout = 200ms;
    stage node{config};
    node.open();
    auto first = node.ask("d0-s0");
    node.world.dispatch();
    node.get_ready("d0-s0");
    node.finish_one("d0-s0");
    for (int i = 0; i < 2; ++i) {
      task_request request;
      if (hurried) request.timeout = 100ms;
      const auto late = node.ask("d0-s0", request);
      node.world.advance(300ms);
      EXPECT_EQ(late->why, failure::out_of_time);
      node.worker("d0-s0").fail_one(false);  // The worker drops the cancelled task.
      node.world.advance(1700ms);
    }
    node.ask("d0-s0");
    EXPECT_EQ(node.refused.has_value(), !hurried);
  }
}

TEST(Department, CountsNoProbeAmongTheTasksThatFoundTheirWorkerWarm) {
  stage node{small_cast(1, 1)};
  node.open();
  const auto& gauge = node.shared->pools.of(protocols::pool_kind::intelligent).gauge;
  task_request probe;
  probe.probe = true;
  const auto cold = node.ask("d0-s0", probe);
  node.world.dispatch();
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  const auto warm = node.ask("d0-s0", probe);
  node.world.dispatch();
  node.finish_one("d0-s0");
  EXPECT_EQ(cold->state, task_state::completed);
  EXPECT_EQ(warm->state, task_state::completed);
  EXPECT_EQ(machine::count_of(gauge.warm_hits), 0u);
  EXPECT_EQ(machine::count_of(gauge.cold_starts), 0u);
}

}  // namespace
}  // namespace greenroom::tests
