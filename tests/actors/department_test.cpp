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
  stage play{small_cast(1, 1)};
  play.open();
  for (int i = 0; i < 5; ++i) play.ask("d0-s0");
  play.world.dispatch();
  EXPECT_EQ(play.starts["d0-s0"], 1);
  play.worker("d0-s0").get_ready();
  for (int i = 0; i < 5; ++i) {
    play.world.dispatch();
    play.worker("d0-s0").finish_one();
  }
  play.world.dispatch();
  EXPECT_TRUE(play.everyone_heard_once());
  EXPECT_EQ(play.starts["d0-s0"], 1);
  EXPECT_TRUE(play.callers.front()->cold);
}

TEST(Department, GivesAWorkerNoMoreThanItsConcurrency) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.concurrency = 2;
  stage play{config};
  play.open();
  for (int i = 0; i < 6; ++i) play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  EXPECT_EQ(play.worker("d0-s0").held.size(), 2u);
  play.finish_one("d0-s0");
  EXPECT_EQ(play.worker("d0-s0").held.size(), 2u);
}

TEST(Department, RetriesWhatFailedAfterTheBackoffAndNotBefore) {
  auto config = small_cast(1, 1);
  config.retry.jitter = 0;
  stage play{config};
  play.open();
  auto who = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.worker("d0-s0").fail_one(true);
  play.world.advance(99ms);
  EXPECT_TRUE(play.worker("d0-s0").held.empty());
  play.world.advance(12ms);  // The department looks every 10 ms.
  ASSERT_EQ(play.worker("d0-s0").held.size(), 1u);
  play.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(who->attempts, 2u);
}

TEST(Department, TriesAgainNoSoonerThanTheWorkerAskedFor) {
  auto config = small_cast(1, 1);
  config.retry.jitter = 0;
  stage play{config};
  play.open();
  auto who = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.worker("d0-s0").fail_one(true, 3s);
  play.world.advance(3s - 1ms);
  EXPECT_TRUE(play.worker("d0-s0").held.empty());
  play.world.advance(12ms);
  ASSERT_EQ(play.worker("d0-s0").held.size(), 1u);
  // The requested pause ends after the deadline, so the task fails at once.
  play.worker("d0-s0").fail_one(true, 40s);
  play.world.dispatch();
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->why, failure::worker_failed);
  EXPECT_EQ(who->attempts, 2u);
  EXPECT_EQ(who->retry_after_ms, 40'000);
}

TEST(Department, RetriesNoSoonerThanAskedThoughTheCircuitIsProbedBefore) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 2;
  config.breaker.open = 1s;
  stage play{config};
  play.open();
  play.ask("d0-s0");
  play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  for (int i = 0; i < 2; ++i) {
    play.worker("d0-s0").fail_one(true, 3s);
    play.world.dispatch();
  }
  play.world.advance(3s - 1ms);
  EXPECT_TRUE(play.worker("d0-s0").held.empty());
  play.world.advance(12ms);
  EXPECT_EQ(play.worker("d0-s0").held.size(), 1u) << "the probe";
}

TEST(Department, KeepsTheSlotOfAWorkerThatDiedWithATask) {
  auto config = small_cast(1, 2);
  config.pool.max_warm = 1;
  stage play{config};
  play.open();
  const auto first = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  const auto second = play.ask("d0-s1");
  play.world.dispatch();
  play.worker("d0-s0").die();
  play.world.advance(1s);
  EXPECT_EQ(play.starts["d0-s0"], 2) << "it starts again in its own slot";
  EXPECT_EQ(play.starts.count("d0-s1"), 0u);
  play.get_ready("d0-s0");
  play.worker("d0-s0").finish_one();
  play.world.advance(10s);
  EXPECT_EQ(first->ends, 1);
  EXPECT_EQ(first->attempts, 2u);
  EXPECT_TRUE(play.worker("d0-s0").stopping) << "and then it is the other's turn";
  play.worker("d0-s0").die();
  play.world.advance(1s);
  EXPECT_EQ(play.starts["d0-s1"], 1);
  EXPECT_EQ(second->ends, 0);
}

TEST(Department, StartsNoWorkerOnceTheGraceOfADrainIsOver) {
  auto config = small_cast(1, 3);
  config.departments[0].specialists[2].pin = true;
  stage play{config};
  play.open();
  play.worker("d0-s2").get_ready();
  play.ask("d0-s0");
  play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.shared->gauge.closing = true;
  play.worker("d0-s0").die();
  play.worker("d0-s2").die();
  play.ask("d0-s1");
  play.world.advance(10s);
  EXPECT_EQ(play.starts["d0-s0"], 1);
  EXPECT_EQ(play.starts["d0-s1"], 0);
  EXPECT_EQ(play.starts["d0-s2"], 1);
}

TEST(Department, GivesUpAfterTheLastAttempt) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  stage play{config};
  play.open();
  auto who = play.ask("d0-s0");
  play.world.dispatch();
  play.worker("d0-s0").get_ready();
  for (int i = 0; i < 3; ++i) {
    play.world.advance(1s);
    play.worker("d0-s0").fail_one(true);
  }
  play.world.dispatch();
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->why, failure::worker_failed);
  EXPECT_EQ(who->attempts, 3u);
}

TEST(Department, NeverRetriesWhatTheWorkerRefused) {
  stage play{small_cast(1, 1)};
  play.open();
  auto who = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.worker("d0-s0").fail_one(false);
  play.world.dispatch();
  EXPECT_EQ(who->why, failure::refused);
  EXPECT_EQ(who->attempts, 1u);
}

TEST(Department, RunsAnUnsafeTaskOnceAndCallsItsEndUnknown) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  stage play{config};
  play.open();
  auto who = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.worker("d0-s0").die();
  play.world.advance(5s);
  EXPECT_EQ(who->state, task_state::unknown);
  EXPECT_EQ(who->attempts, 1u);
}

TEST(Department, KnowsTheEndOfAnUnsafeTaskWhoseWorkerAnswered) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.side_effects = config::side_effects::unsafe;
  stage play{config};
  play.open();
  auto who = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.worker("d0-s0").fail_one(true);
  play.world.advance(5s);
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->state, task_state::failed);
  EXPECT_EQ(who->why, failure::worker_failed);
  EXPECT_EQ(who->attempts, 1u);
  EXPECT_EQ(who->output, "it failed, and it must not run twice");
  auto other = play.ask("d0-s0");
  play.world.dispatch();
  play.worker("d0-s0").fail_one(true, 0ms, false);
  play.world.advance(5s);
  EXPECT_EQ(other->state, task_state::unknown);
}

TEST(Department, RunsAgainWhatADeadWorkerHeld) {
  stage play{small_cast(1, 1)};
  play.open();
  auto who = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.worker("d0-s0").die();
  play.world.advance(1s);
  ASSERT_EQ(play.starts["d0-s0"], 2);
  play.get_ready("d0-s0");
  play.finish_one("d0-s0");
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(who->attempts, 2u);
}

TEST(Department, FailsThoseWhoWaitForAWorkerThatCannotStart) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  config.breaker.open = 1ms;
  stage play{config};
  play.open();
  auto who = play.ask("d0-s0");
  for (int i = 0; i < 3; ++i) {
    play.world.advance(3s);
    play.worker("d0-s0").die(true);
  }
  play.world.dispatch();
  EXPECT_EQ(who->why, failure::start_failed);
  EXPECT_EQ(who->ends, 1);
}

TEST(Department, ServesHigherPrioritiesFirst) {
  stage play{small_cast(1, 1)};
  play.open();
  task_request low;
  low.urgency = priority::low;
  task_request high;
  high.urgency = priority::high;
  auto last = play.ask("d0-s0", low);
  auto first = play.ask("d0-s0", high);
  auto second = play.ask("d0-s0", high);
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.finish_one("d0-s0");
  EXPECT_EQ(first->ends, 1);
  EXPECT_EQ(last->ends, 0);
  play.finish_one("d0-s0");
  EXPECT_EQ(second->ends, 1);
  EXPECT_EQ(last->ends, 0);
}

TEST(Department, OpensTheCircuitAndProbesItLater) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 2;
  config.breaker.open = 5s;
  config.retry.max_attempts = 1;
  stage play{config};
  play.open();
  play.ask("d0-s0");
  play.ask("d0-s0");
  play.world.dispatch();
  play.worker("d0-s0").get_ready();
  for (int i = 0; i < 2; ++i) {
    play.world.dispatch();
    play.worker("d0-s0").fail_one(true);
  }
  play.world.dispatch();
  play.ask("d0-s0");
  ASSERT_TRUE(play.refused);
  EXPECT_EQ(play.refused->why, failure::circuit_open);
  EXPECT_GT(play.refused->retry_after, 0ms);
  play.world.advance(5s);
  auto probe = play.ask("d0-s0");
  ASSERT_FALSE(play.refused);
  play.world.advance(50ms);
  play.finish_one("d0-s0");
  EXPECT_EQ(probe->state, task_state::completed);
  const auto told = play.events();
  EXPECT_EQ(std::ranges::count(told, R"(circuit.closed {"specialist":"d0-s0"})"), 1);
}

TEST(Department, TellsNothingOfACircuitThatWasNeverOpen) {
  stage play{small_cast(1, 1)};
  play.open();
  play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.finish_one("d0-s0");
  ASSERT_TRUE(play.everyone_heard_once());
  for (const auto& one : play.events()) EXPECT_FALSE(one.starts_with("circuit.")) << one;
}

TEST(Department, LetsNobodyWaitPastTheDeadline) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  stage play{config};
  play.open();
  auto who = play.ask("d0-s0");
  play.world.advance(2s - 1ms);
  EXPECT_EQ(who->ends, 0);
  play.world.advance(12ms);
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output, "the deadline passed while its worker started");
}

TEST(Department, TellsWhoRanOutOfTimeWhatTheLastAttemptDiedOf) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  config.breaker.failures = 100;
  stage play{config};
  play.open();
  const auto who = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.worker("d0-s0").fail_one(true);
  play.world.advance(200ms);
  play.worker("d0-s0").die();
  play.world.advance(2s);
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output,
            "the deadline passed while its worker started; attempt 2 failed: the worker died");
}

TEST(Department, TellsWhoRanOutOfTimeInTheSecondAttemptHowTheFirstOneEnded) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  stage play{config};
  play.open();
  const auto who = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.worker("d0-s0").fail_one(true);
  play.world.advance(3s);
  EXPECT_EQ(who->output, "the deadline passed while it ran; attempt 1 failed: it failed");
}

TEST(Department, TellsWhoRanOutOfTimeThatTheCircuitWasOpen) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  config.breaker.failures = 2;
  stage play{config};
  play.open();
  const auto who = play.ask("d0-s0");
  const auto behind = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  // One task is retried before the other's failure opens the circuit, and fails again.
  for (int i = 0; i < 3; ++i) {
    play.world.advance(200ms);
    play.worker("d0-s0").fail_one(true);
  }
  play.world.advance(2s);
  const std::string circuit = "the deadline passed while the circuit of its specialist was open";
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output, circuit + "; attempt 2 failed: it failed");
  EXPECT_EQ(behind->output, circuit + "; attempt 1 failed: it failed");
}

TEST(Department, TellsWhoWaitedForAnotherToLeaveThatItWasForASlot) {
  auto config = small_cast(1, 2);
  config.pool.max_warm = 1;
  config.departments[0].specialists[1].backend.task_timeout = 2s;
  stage play{config};
  play.open();
  play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  const auto who = play.ask("d0-s1");
  play.world.advance(3s);
  EXPECT_EQ(who->why, failure::out_of_time);
  EXPECT_EQ(who->output, "the deadline passed while it waited for a warm slot (pool.max_warm)");
  EXPECT_EQ(play.starts.count("d0-s1"), 0u);
}

TEST(Department, StopsAWorkerThatIgnoresItsDeadlineAndRunsTheOthersElsewhere) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].backend.task_timeout = 2s;
  config.departments[0].specialists[0].backend.stop_timeout = 500ms;
  stage play{config};
  play.open();
  auto late = play.ask("d0-s0");
  play.world.dispatch();
  play.worker("d0-s0").get_ready();
  play.world.advance(1s);
  task_request patient;
  patient.timeout = 10s;
  auto other = play.ask("d0-s0", patient);
  play.world.advance(1100ms);
  EXPECT_EQ(late->why, failure::out_of_time);
  EXPECT_GT(play.worker("d0-s0").cancels, 0);
  EXPECT_FALSE(play.worker("d0-s0").stopping) << "it may still let go";
  play.world.advance(700ms);
  EXPECT_TRUE(play.worker("d0-s0").stopping);
  EXPECT_EQ(play.starts["d0-s0"], 1) << "its slot is held until it is really gone";
  play.worker("d0-s0").die();
  play.world.advance(200ms);
  ASSERT_EQ(play.starts["d0-s0"], 2);
  play.get_ready("d0-s0");
  play.finish_one("d0-s0");
  EXPECT_EQ(other->state, task_state::completed);
}

TEST(Department, ForgetsACancelledTaskWhereverItIs) {
  stage play{small_cast(1, 1)};
  play.open();
  auto running = play.ask("d0-s0");
  const auto running_id = play.last;
  auto waiting = play.ask("d0-s0");
  const auto waiting_id = play.last;
  auto third = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  EXPECT_TRUE(play.desk.cancel(*play.shared->ledger.find(waiting_id)));
  EXPECT_EQ(waiting->state, task_state::cancelled);
  EXPECT_TRUE(play.desk.cancel(*play.shared->ledger.find(running_id)));
  EXPECT_EQ(running->state, task_state::cancelled);
  play.world.advance(300ms);
  EXPECT_TRUE(play.worker("d0-s0").cancels > 0);
  play.worker("d0-s0").die();
  play.world.advance(300ms);
  play.get_ready("d0-s0");
  play.finish_one("d0-s0");
  EXPECT_EQ(third->state, task_state::completed);
  EXPECT_TRUE(play.everyone_heard_once());
}

// A task that waits for the slot ends in one of three ways; the next caller is served as if that
// task had never waited.
TEST(Department, ServesWhoCallsAfterOneThatGaveUpWaitingForASlot) {
  for (const auto how : {"time-out", "cancel", "both"}) {
    SCOPED_TRACE(how);
    auto config = small_cast(1, 2);
    config.pool.max_warm = 1;
    config.pool.min_residency = 0ms;
    stage play{config};
    play.open();
    play.ask("d0-s0");
    play.world.dispatch();
    play.get_ready("d0-s0");
    task_request impatient;
    if (how != std::string_view{"cancel"}) impatient.timeout = 300ms;
    play.ask("d0-s1", impatient);
    play.world.advance(200ms);
    if (how != std::string_view{"time-out"})
      static_cast<void>(play.desk.cancel(*play.shared->ledger.find(play.last)));
    play.world.advance(2s);
    play.finish_one("d0-s0");
    play.world.advance(1500ms);
    const auto next = play.ask("d0-s1");
    play.world.advance(50ms);
    ASSERT_TRUE(play.worker("d0-s0").stopping);
    play.worker("d0-s0").die();
    play.world.advance(50ms);
    ASSERT_EQ(play.starts["d0-s1"], 1);
    play.get_ready("d0-s1");
    play.finish_one("d0-s1");
    EXPECT_EQ(next->state, task_state::completed);
  }
}

std::size_t starts_within(stage& play, const std::string& name, std::chrono::seconds time) {
  const auto before = play.starts[name];
  for (auto passed = 0ms; passed < time; passed += 50ms) {
    if (const auto at = play.workers.find(name); at != play.workers.end())
      if (!at->second->gone && at->second->started) at->second->die(true);
    play.world.advance(50ms);
  }
  return static_cast<std::size_t>(play.starts[name] - before);
}

worker_state shown(stage& play, std::uint32_t who) {
  return play.shared->pools.of(protocols::pool_kind::intelligent)
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
  room make_room(runtime::specialist_index, std::span<const runtime::slot_state>, double) override {
    return {true, {}};
  }
  runtime::plan review(std::span<const runtime::slot_state> seats, double now_s) override {
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
  stage play{config};
  play.plan.policies[0] = [] { return std::make_unique<expecting>(); };
  play.open();
  EXPECT_EQ(1 + starts_within(play, "d0-s0", 60s), 3u) << "it is only expected";
  EXPECT_EQ(shown(play, 0), worker_state::failed);
  const auto& record = play.shared->pools.of(protocols::pool_kind::intelligent).specialists[0];
  EXPECT_EQ(record.last_error.read([](const std::string& text) { return text; }), "died");
  const auto who = play.ask("d0-s0");
  EXPECT_EQ(starts_within(play, "d0-s0", 60s), 3u) << "somebody asked for it";
  EXPECT_EQ(who->why, failure::start_failed);
  EXPECT_EQ(shown(play, 0), worker_state::failed);
  // The reload may bring another command.
  static_cast<void>(play.shared->replace_catalog(
      actors::make_catalog(play.shared->catalogs.now().config, &play.shared->catalogs.now())));
  caf::anon_send(play.root, protocols::settings_changed{});
  EXPECT_EQ(starts_within(play, "d0-s0", 60s), 3u) << "the configuration has changed";
  caf::anon_send(play.root, protocols::warm_by_hand{0});
  play.world.advance(3s);
  play.get_ready("d0-s0");
  EXPECT_EQ(shown(play, 0), worker_state::warm) << "an operator asked for it";
}

TEST(Department, TriesAPinnedWorkerThatCannotStartMoreAndMoreRarely) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 100;
  config.departments[0].specialists[0].pin = true;
  stage play{config};
  play.open();
  static_cast<void>(starts_within(play, "d0-s0", 600s));
  const auto later = starts_within(play, "d0-s0", 600s);
  EXPECT_LE(later, 11u);
  EXPECT_GE(later, 8u);
  EXPECT_EQ(shown(play, 0), worker_state::failed);
}

// The worker becomes ready each time and dies before it ran a task.
TEST(Department, DoesNotReplaceForEverAWorkerThatDiesAsSoonAsItIsReady) {
  auto config = small_cast(1, 1);
  config.departments[0].specialists[0].pin = true;
  stage play{config};
  play.open();
  for (auto passed = 0ms; passed < 600s; passed += 100ms) {
    auto& one = play.worker("d0-s0");
    if (!one.gone) {
      play.get_ready("d0-s0");
      one.die();
    }
    play.world.advance(100ms);
  }
  EXPECT_LE(play.starts["d0-s0"], 25);
  EXPECT_GE(play.starts["d0-s0"], 3) << "it was not given up after the first time";
}

TEST(Department, EndsWhoAsksForOneThatWasTakenOut) {
  auto config = small_cast(1, 2);
  stage play{config};
  play.open();
  const auto early = play.ask("d0-s1");  // Admitted, but its department has not seen it yet.
  config.departments[0].specialists.pop_back();
  static_cast<void>(
      play.shared->replace_catalog(actors::make_catalog(config, &play.shared->catalogs.now())));
  caf::anon_send(play.root, protocols::settings_changed{});
  play.world.advance(100ms);
  if (early->ends == 0 && play.workers.contains("d0-s1")) {
    play.get_ready("d0-s1");
    play.finish_one("d0-s1");
  }
  EXPECT_EQ(early->ends, 1);
}

// A specialist returns prefetched tasks when the pool is drained; its worker stays.
TEST(Department, GoesOnWithAWorkerThatGaveBackWhatItHeldAhead) {
  auto config = small_cast(1, 1);
  stage play{config};
  play.open();
  const auto first = play.ask("d0-s0");
  const auto second = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  caf::anon_send(play.shared->pools.of(protocols::pool_kind::intelligent).specialists[0].actor,
                 protocols::give_back_tasks{});
  play.world.dispatch();
  play.finish_one("d0-s0");
  play.finish_one("d0-s0");
  EXPECT_EQ(first->state, task_state::completed);
  EXPECT_EQ(second->state, task_state::completed);
  EXPECT_EQ(play.starts["d0-s0"], 1);
}

// The worker neither starts nor fails; its slot must be freed.
TEST(Department, ReplacesAWorkerThatNeitherStartsNorEnds) {
  auto config = small_cast(1, 2);
  config.pool.max_warm = 1;
  config.departments[0].specialists[0].backend.start_timeout = 10s;
  config.departments[0].specialists[0].backend.stop_timeout = 5s;
  stage play{config};
  play.open();
  caf::anon_send(play.root, protocols::warm_by_hand{0});
  play.world.advance(24s);
  caf::anon_send(play.root, protocols::check_workers{});
  const auto other = play.ask("d0-s1");
  play.world.advance(100ms);
  EXPECT_EQ(play.starts.count("d0-s1"), 0u);
  play.world.advance(1s);
  caf::anon_send(play.root, protocols::check_workers{});
  play.world.advance(100ms);
  ASSERT_EQ(play.starts["d0-s1"], 1);
  play.get_ready("d0-s1");
  play.finish_one("d0-s1");
  EXPECT_EQ(other->state, task_state::completed);
}

TEST(Department, CountsAnInputThatFailsAtEachTryAsOneFailure) {
  auto config = small_cast(1, 1);
  config.breaker.failures = 2;
  stage play{config};
  play.open();
  auto poison = play.ask("d0-s0");
  play.world.dispatch();
  play.get_ready("d0-s0");
  for (int i = 0; i < 3; ++i) {
    play.world.advance(1s);
    play.worker("d0-s0").fail_one(true);
  }
  play.world.dispatch();
  EXPECT_EQ(poison->attempts, 3u);
  EXPECT_EQ(poison->ends, 1);
  play.ask("d0-s0");
  EXPECT_FALSE(play.refused) << "the circuit is closed";
}

TEST(Department, DoesNotOpenTheCircuitOfAServerThatIsAskedTooMuch) {
  for (const auto status : {429, 503}) {
    auto config = small_cast(1, 1);
    config.breaker.failures = 2;
    config.retry.max_attempts = 1;
    stage play{config};
    play.open();
    for (int i = 0; i < 4; ++i) {
      play.ask("d0-s0");
      if (play.refused) break;
      play.world.dispatch();
      if (i == 0) play.get_ready("d0-s0");
      play.worker("d0-s0").fail_one_with(status);
      play.world.dispatch();
    }
    EXPECT_EQ(play.refused.has_value(), status == 503);
    if (play.refused) {
      EXPECT_EQ(play.refused->why, failure::circuit_open);
      EXPECT_NE(play.refused->detail.find("5000 ms"), std::string::npos) << play.refused->detail;
    }
  }
}

TEST(Department, LeavesTheCircuitClosedForTwoCallersInAHurry) {
  for (const bool hurried : {true, false}) {
    auto config = small_cast(1, 1);
    config.departments[0].specialists[0].backend.task_timeout = 200ms;
    stage play{config};
    play.open();
    auto first = play.ask("d0-s0");
    play.world.dispatch();
    play.get_ready("d0-s0");
    play.finish_one("d0-s0");
    for (int i = 0; i < 2; ++i) {
      task_request request;
      if (hurried) request.timeout = 100ms;
      const auto late = play.ask("d0-s0", request);
      play.world.advance(300ms);
      EXPECT_EQ(late->why, failure::out_of_time);
      play.worker("d0-s0").fail_one(false);  // The worker drops the cancelled task.
      play.world.advance(1700ms);
    }
    play.ask("d0-s0");
    EXPECT_EQ(play.refused.has_value(), !hurried);
  }
}

TEST(Department, CountsNoProbeAmongTheTasksThatFoundTheirWorkerWarm) {
  stage play{small_cast(1, 1)};
  play.open();
  const auto& gauge = play.shared->pools.of(protocols::pool_kind::intelligent).gauge;
  task_request probe;
  probe.probe = true;
  const auto cold = play.ask("d0-s0", probe);
  play.world.dispatch();
  play.get_ready("d0-s0");
  play.finish_one("d0-s0");
  const auto warm = play.ask("d0-s0", probe);
  play.world.dispatch();
  play.finish_one("d0-s0");
  EXPECT_EQ(cold->state, task_state::completed);
  EXPECT_EQ(warm->state, task_state::completed);
  EXPECT_EQ(machine::count_of(gauge.warm_hits), 0u);
  EXPECT_EQ(machine::count_of(gauge.cold_starts), 0u);
}

}  // namespace
}  // namespace greenroom::tests
