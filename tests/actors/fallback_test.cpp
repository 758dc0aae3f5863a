// Fallbacks: which specialist answers while another is unavailable.
#include "actors/supervision/hand_out.hpp"
#include "actors/tasks/journal_actor.hpp"
#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::pool_kind, protocols::task_state;

/// `d0-s1` has a cloud backend and the fallback `d1-s0`; `d0-s0` has no fallback.
class Fallback : public testing::Test {
protected:
  static config::node configuration() {
    auto config = small_cast(2, 2);
    config.retry.jitter = 0;
    config.breaker = {.failures = 2, .open = 5s, .half_open_probes = 1};
    config.queue.per_specialist = 4;
    config.departments[0].specialists[1].fallback = "d1-s0";
    config.departments[0].specialists[1].backend.task_timeout = 60s;
    return config;
  }
  void SetUp() override { node.open(); }
  [[nodiscard]] std::uint32_t number_of(const char* name) const {
    return node.shared->catalogs.now().find(name);
  }
  [[nodiscard]] machine::specialist_gauge& gauge(const char* name) {
    return node.shared->pools.of(pool_kind::intelligent).specialists[number_of(name)].gauge;
  }
  void fail_once() {
    node.worker("d0-s1").fail_one(true);
    node.world.dispatch();
  }
  stage node{configuration()};
};

TEST_F(Fallback, IsNobodyUnlessTheConfigurationNamesOne) {
  EXPECT_EQ(node.shared->catalogs.now().members[number_of("d0-s0")].fallback,
            actors::catalog::nobody);
  gauge("d1-s1").open_until_ns = node.world.now_ns() + 1'000'000'000;
  node.ask("d1-s1");
  ASSERT_TRUE(node.refused);
  EXPECT_EQ(node.refused->why, failure::circuit_open);
  node.world.dispatch();
  EXPECT_TRUE(node.starts.empty());
}

TEST_F(Fallback, TakesWhoWaitsWhenTheCircuitOpens) {
  node.ask("d0-s1");
  node.world.dispatch();
  node.get_ready("d0-s1");
  std::vector<std::shared_ptr<caller>> all = node.callers;
  for (int i = 0; i < 3; ++i) all.push_back(node.ask("d0-s1"));
  node.world.dispatch();
  EXPECT_EQ(node.starts.count("d1-s0"), 0u);
  fail_once();
  EXPECT_EQ(node.starts.count("d1-s0"), 0u) << "one failure opens no circuit";
  fail_once();
  node.world.advance(20ms);
  EXPECT_EQ(gauge("d0-s1").depth(), 1u) << "the one that its worker has already";
  EXPECT_EQ(gauge("d1-s0").depth(), 3u);
  fail_once();
  ASSERT_EQ(node.starts["d1-s0"], 1);
  EXPECT_EQ(gauge("d0-s1").depth(), 0u);
  EXPECT_EQ(gauge("d1-s0").depth(), 4u);
  node.worker("d1-s0").get_ready();
  for (int i = 0; i < 4; ++i) {
    node.world.dispatch();
    node.worker("d1-s0").finish_one();
  }
  node.world.dispatch();
  for (const auto& one : all) {
    EXPECT_EQ(one->ends, 1);
    EXPECT_EQ(one->state, task_state::completed);
  }
  EXPECT_EQ(gauge("d1-s0").depth(), 0u);
  EXPECT_EQ(gauge("d1-s0").ends[0], 4u) << "it counts where it was answered";
  EXPECT_EQ(node.shared->gauge.depth(), 0u);
}

TEST_F(Fallback, TakesWhatHasUsedUpItsAttempts) {
  auto config = configuration();
  config.breaker.failures = 100;
  config.retry.max_attempts = 1;
  stage other{config};
  other.open();
  const auto who = other.ask("d0-s1");
  other.world.dispatch();
  other.get_ready("d0-s1");
  other.worker("d0-s1").fail_one(true);
  other.world.dispatch();
  EXPECT_EQ(who->ends, 0);
  ASSERT_EQ(other.starts["d1-s0"], 1);
  other.get_ready("d1-s0");
  other.worker("d1-s0").fail_one(true);
  other.world.dispatch();
  EXPECT_EQ(who->ends, 1) << "and is not tried for ever";
  EXPECT_EQ(who->why, failure::worker_failed);
  EXPECT_EQ(who->attempts, 2u);
}

// A silent cloud: an attempt is given up after 20 of the task's 60 s.
TEST_F(Fallback, TakesWhatItselfHasNoTimeLeftToTryAgain) {
  auto config = configuration();
  config.breaker.failures = 100;
  config.retry.max_attempts = 10;
  stage other{config};
  other.open();
  const auto late = other.ask("d0-s1");
  other.world.dispatch();
  other.worker("d0-s1").get_ready();
  other.world.advance(20s);
  other.worker("d0-s1").fail_one(true);
  other.world.advance(1s);
  EXPECT_EQ(other.worker("d0-s1").held.size(), 1u) << "20 s fit in twice";
  EXPECT_EQ(other.starts.count("d1-s0"), 0u);
  other.world.advance(20s);
  other.worker("d0-s1").fail_one(true);
  other.world.advance(1s);
  EXPECT_EQ(other.worker("d0-s1").held.size(), 0u);
  ASSERT_EQ(other.starts["d1-s0"], 1) << "18 s are left";
  other.get_ready("d1-s0");
  other.finish_one("d1-s0");
  EXPECT_EQ(late->state, task_state::completed);
  EXPECT_EQ(late->attempts, 3u);
}

TEST_F(Fallback, LeavesOneToProbeTheCircuitThatIsHalfOpen) {
  node.ask("d0-s1");
  node.ask("d0-s1");
  node.world.dispatch();
  node.get_ready("d0-s1");
  fail_once();
  fail_once();
  node.world.advance(20ms);
  node.get_ready("d1-s0");
  node.finish_one("d1-s0");
  node.worker("d1-s0").finish_one();
  node.world.advance(5s);
  // The circuit may be probed now: one task goes there, and no other waits behind it.
  for (int i = 0; i < 3; ++i) node.ask("d0-s1");
  node.world.advance(20ms);
  EXPECT_EQ(node.worker("d0-s1").held.size(), 1u);
  EXPECT_EQ(gauge("d0-s1").depth(), 1u);
  EXPECT_EQ(gauge("d1-s0").depth(), 2u);
  // The probe fails: its task goes to the fallback too.
  fail_once();
  node.world.advance(20ms);
  EXPECT_EQ(gauge("d0-s1").depth(), 0u);
  EXPECT_EQ(gauge("d1-s0").depth(), 3u);
  for (int i = 0; i < 3; ++i) {
    node.finish_one("d1-s0");
  }
  EXPECT_TRUE(node.everyone_heard_once());
  // The probe succeeds: all tasks go to the specialist again.
  node.world.advance(5s);
  node.ask("d0-s1");
  node.world.dispatch();
  node.finish_one("d0-s1");
  EXPECT_TRUE(node.everyone_heard_once());
  node.ask("d0-s1");
  node.ask("d0-s1");
  node.world.dispatch();
  EXPECT_EQ(gauge("d0-s1").depth(), 2u);
  // Only a circuit that was open reports that it closed.
  std::vector<std::string> closed;
  for (const auto& one : node.shared->events.after(0))
    if (one.kind == "circuit.closed") closed.push_back(one.json);
  EXPECT_EQ(closed, std::vector<std::string>{R"({"specialist":"d0-s1"})"});
}

TEST_F(Fallback, IsNotAskedForMoreThanItsLineHolds) {
  std::vector<std::shared_ptr<caller>> theirs;
  for (int i = 0; i < 4; ++i) theirs.push_back(node.ask("d1-s0"));
  for (int i = 0; i < 4; ++i) node.ask("d0-s1");
  node.world.dispatch();
  node.get_ready("d0-s1");
  fail_once();
  fail_once();
  node.world.advance(20ms);
  // Four may wait and one may run, so there is room for one more.
  EXPECT_EQ(gauge("d1-s0").depth(), 5u);
  EXPECT_EQ(gauge("d0-s1").depth(), 3u);
  fail_once();
  node.worker("d1-s0").get_ready();
  for (int i = 0; i < 8; ++i) {
    node.world.advance(20ms);
    node.worker("d1-s0").finish_one();
  }
  node.world.advance(20ms);
  EXPECT_TRUE(node.everyone_heard_once());
  EXPECT_EQ(gauge("d0-s1").depth(), 0u);
}

TEST_F(Fallback, NeverGetsWhatMayHaveRunAndIsNotSafeToDoTwice) {
  auto config = configuration();
  config.breaker.failures = 1;
  config.departments[0].specialists[1].backend.side_effects = config::side_effects::unsafe;
  stage other{config};
  other.open();
  const auto ran = other.ask("d0-s1");
  const auto waited = other.ask("d0-s1");
  other.world.dispatch();
  other.get_ready("d0-s1");
  other.worker("d0-s1").fail_one(true, 0ms, false);
  other.world.advance(20ms);
  EXPECT_EQ(ran->state, task_state::unknown);
  EXPECT_EQ(waited->ends, 0);
  ASSERT_EQ(other.starts["d1-s0"], 1);
  other.get_ready("d1-s0");
  // The task stays unsafe, whichever specialist runs it.
  other.worker("d1-s0").die();
  other.world.advance(1s);
  EXPECT_EQ(waited->state, task_state::unknown);
  EXPECT_EQ(waited->attempts, 1u);
}

TEST_F(Fallback, StandsInForAWorkerThatCannotStart) {
  const auto who = node.ask("d0-s1");
  node.world.dispatch();
  for (int i = 0; i < 4 && node.starts.count("d1-s0") == 0; ++i) {
    node.worker("d0-s1").die(true);
    node.world.advance(1s);
  }
  ASSERT_EQ(node.starts["d1-s0"], 1);
  node.get_ready("d1-s0");
  node.finish_one("d1-s0");
  EXPECT_EQ(who->state, task_state::completed);
}

TEST_F(Fallback, EndsATaskOnceThatIsCancelledWhileItIsPassedOn) {
  node.ask("d0-s1");
  const auto who = node.ask("d0-s1");
  const auto id = node.last;
  node.world.dispatch();
  node.get_ready("d0-s1");
  fail_once();
  node.worker("d0-s1").fail_one(true);
  node.world.dispatch();
  // The task belongs to the fallback now, wherever its message is.
  const auto job = node.shared->ledger.find(id);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->specialist, number_of("d1-s0"));
  EXPECT_TRUE(node.desk.cancel(*job));
  node.world.advance(200ms);
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->state, task_state::cancelled);
  EXPECT_EQ(gauge("d0-s1").depth(), 0u);
  EXPECT_EQ(gauge("d1-s0").depth(), 1u) << "the first one";
}

TEST_F(Fallback, AnswersTheSameRequestOfAnIdempotencyKey) {
  node.shared->journal.on = true;
  node.shared->gauge.journal_ok = true;
  const auto hash_of = [&](task_request request, const std::string& specialist) {
    request.idempotency_key = "k";
    node.ask(specialist, std::move(request));
    return actors::accept_record_of(
               {node.shared->clock, node.shared->catalogs, node.shared->journal},
               *node.shared->ledger.find(node.last))
        .request_hash;
  };
  const auto before = hash_of({}, "d0-s1");
  task_request to_all;
  to_all.department = "D0";
  const auto department = hash_of(to_all, "");
  gauge("d0-s1").open_until_ns = gauge("d0-s0").open_until_ns = node.world.now_ns() + 1'000'000'000;
  const auto after = hash_of({}, "d0-s1");
  EXPECT_EQ(node.shared->ledger.find(node.last)->specialist, number_of("d1-s0"));
  EXPECT_EQ(before, after);
  gauge("d0-s0").open_until_ns = 0;
  gauge("d0-s0").entered += 3;
  EXPECT_EQ(hash_of(to_all, ""), department);
  gauge("d0-s0").entered -= 3;
  EXPECT_NE(before, department);
  task_request other;
  other.input = "2";
  EXPECT_NE(hash_of(other, "d0-s1"), before);
}

TEST_F(Fallback, IsWhyARefusalIsNoErrorOfThePool) {
  auto& pool = node.shared->pools.of(pool_kind::intelligent).gauge;
  const auto until = node.world.now_ns() + 1'000'000'000;
  gauge("d0-s1").open_until_ns = until;
  node.ask("d0-s1");
  EXPECT_FALSE(node.refused);
  EXPECT_EQ(pool.shed_open, 0u);
  gauge("d1-s0").open_until_ns = until;
  node.ask("d0-s1");
  EXPECT_TRUE(node.refused);
  EXPECT_EQ(pool.shed_open, 1u);
  gauge("d0-s0").open_until_ns = until;
  node.ask("d0-s0");
  EXPECT_EQ(pool.shed_open, 2u);
}

}  // namespace
}  // namespace greenroom::tests
