// Inline callables, inside the whole tree.
#include "tests/support/stage.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>

namespace greenroom::tests {
namespace {

using namespace std::chrono_literals;
using protocols::failure, protocols::task_state;

/// An inline callable beside an ordinary worker in one department.
class InlineCallable : public testing::Test {
protected:
  static config::node configuration() {
    auto config = small_cast(1, 2);
    config.departments[0].specialists[0].backend.kind = config::backend_kind::function;
    return config;
  }
  static actors::callable_table table() {
    actors::callable_table result;
    result["d0-s0"] = {[](const std::string& input) -> std::string {
                         if (input == "\"throw\"") throw std::runtime_error{"not today"};
                         if (input == "\"nonsense\"") return "{";
                         return "[" + input + "]";
                       },
                       true};
    return result;
  }
  std::shared_ptr<caller> ask(const std::string& input) {
    task_request request;
    request.input = input;
    auto who = node.ask("d0-s0", request);
    node.world.dispatch();
    return who;
  }
  void warm() {
    node.open();
    node.world.advance(1s);
    ASSERT_EQ(gauge().state.load(), base::worker_state::warm);
  }
  [[nodiscard]] machine::specialist_gauge& gauge() {
    return node.shared->pools.of(protocols::pool_kind::intelligent).specialists[0].gauge;
  }

  stage node{configuration(), table()};
};

TEST_F(InlineCallable, AnswersWithoutAWorker) {
  warm();
  const auto who = ask("1");
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->state, task_state::completed);
  EXPECT_EQ(who->output, "[1]");
  EXPECT_EQ(who->attempts, 1u);
  EXPECT_FALSE(who->cold);
  EXPECT_TRUE(node.all.empty());
  EXPECT_EQ(gauge().depth(), 0u);
  EXPECT_EQ(gauge().warm_hits.load(), 1u);
}

TEST_F(InlineCallable, AnswersWhatCameBeforeItWasOpen) {
  const auto early = ask("1");
  EXPECT_EQ(early->ends, 0);
  node.open();
  node.world.advance(1s);
  EXPECT_EQ(early->ends, 1);
  EXPECT_EQ(early->output, "[1]");
  EXPECT_EQ(gauge().depth(), 0u);
}

TEST_F(InlineCallable, IsBackAfterAnyActorOfTheTreeWasLost) {
  warm();
  const std::pair<const char*, const char*> victims[]{
      {"dispatcher", R"({"actor":"dispatcher"})"},
      {"pool", R"({"actor":"intelligent pool"})"},
      {"director", R"({"actor":"director"})"},
      {"department D0", R"({"department":"D0"})"},
      {"specialist d0-s1", R"({"specialist":"d0-s1"})"},
  };
  for (std::size_t round = 1; round <= 5; ++round)
    for (const auto& [name, said] : victims) {
      node.kill(name);
      const auto who = ask("1");
      node.world.advance(90s);  // Longer than the window in which restarts are counted.
      EXPECT_EQ(node.losses(said), round) << name;
      EXPECT_EQ(who->ends, 1) << "after the end of " << name;
      EXPECT_EQ(who->output, "[1]");
    }
}

TEST_F(InlineCallable, FailsOneTaskWhenItThrowsOrTalksNonsense) {
  warm();
  for (int i = 0; i < 20; ++i) {
    const auto thrown = ask("\"throw\"");
    EXPECT_EQ(thrown->why, failure::refused);
    EXPECT_EQ(thrown->output, "not today");
    EXPECT_EQ(thrown->attempts, 1u);
    EXPECT_EQ(ask("\"nonsense\"")->why, failure::refused);
  }
  // The caller's input was wrong: no circuit opens.
  EXPECT_EQ(ask("1")->output, "[1]");
}

TEST_F(InlineCallable, LeavesNothingBehindAtTheDoor) {
  warm();
  for (int i = 0; i < 10; ++i) ask("1");
  EXPECT_EQ(node.shared->gauge.depth(), 0u);
  EXPECT_EQ(node.shared->gauge.accepted(), 10u);
  EXPECT_EQ(node.shared->gauge.ended(), 10u);
  EXPECT_EQ(node.shared->ledger.alive(), 0u);
}

TEST_F(InlineCallable, GetsAnActorWhenAReloadMakesItAProcess) {
  warm();
  ASSERT_TRUE(node.shared->replace_catalog(
      actors::make_catalog(small_cast(1, 2), &node.shared->catalogs.now())));
  caf::anon_send(node.root, protocols::settings_changed{});
  node.world.dispatch();
  const auto who = ask("1");
  ASSERT_TRUE(node.workers.contains("d0-s0"));
  node.get_ready("d0-s0");
  node.finish_one("d0-s0");
  EXPECT_EQ(who->ends, 1);
  EXPECT_EQ(who->output, "\"done: \"");
}

TEST_F(InlineCallable, DoesNotTakeItsWaitForItsRun) {
  const auto early = ask("1");
  node.world.advance(5s);
  node.open();
  node.world.advance(1s);
  ASSERT_EQ(early->ends, 1);
  EXPECT_LT(gauge().run_ns.load(), 1'000'000'000);
}

TEST(Admission, DoesNotCountATaskAsShedThatAFallbackTakes) {
  auto config = small_cast(1, 2);
  config.departments[0].specialists[0].fallback = "d0-s1";
  stage node{config};
  node.open();
  const auto open_circuit = [&](std::size_t who) {
    node.shared->pools.of(protocols::pool_kind::intelligent)
        .specialists[who]
        .gauge.open_until_ns.store(node.clock->now_ns() + 3'600'000'000'000);
  };
  const auto shed = [&] {
    return node.shared->gauge.shed[static_cast<std::size_t>(machine::shed_reason::circuit_open)]
        .load();
  };
  open_circuit(0);
  node.ask("d0-s0");
  EXPECT_FALSE(node.refused);
  EXPECT_EQ(shed(), 0u);
  open_circuit(1);
  node.ask("d0-s0");
  ASSERT_TRUE(node.refused);
  EXPECT_EQ(node.refused->why, failure::circuit_open);
  EXPECT_EQ(shed(), 1u);
}

TEST(Admission, HoldsTheBoundsExactlyAndForgetsRefusedTasks) {
  auto config = small_cast(1, 2);
  config.queue.per_specialist = 4;
  config.queue.total = 6;
  stage node{config};
  node.open();
  auto& first = node.shared->pools.of(protocols::pool_kind::intelligent).specialists[0].gauge;
  const auto taken = [&](const std::string& name) {
    int count = 0;
    for (int i = 0; i < 20; ++i) {
      node.ask(name);
      if (!node.refused) ++count;
    }
    return count;
  };
  EXPECT_EQ(taken("d0-s0"), 5) << "four that wait and one that runs";
  EXPECT_EQ(first.depth(), 5u);
  EXPECT_EQ(taken("d0-s1"), 1) << "six in the node";
  EXPECT_EQ(node.shared->gauge.depth(), 6u);
  EXPECT_EQ(node.shared->gauge.accepted(), 6u);
  // The capacity is free again after the tasks' ends, also when another thread polled.
  node.world.dispatch();
  node.worker("d0-s0").get_ready();
  for (int i = 0; i < 5; ++i) {
    node.world.dispatch();
    node.worker("d0-s0").finish_one();
  }
  node.world.dispatch();
  EXPECT_EQ(first.depth(), 0u);
  EXPECT_EQ(taken("d0-s0"), 5);
}

}  // namespace
}  // namespace greenroom::tests
