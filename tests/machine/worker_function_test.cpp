// Workers that are C++ callables of the embedding service.
#include "tests/machine/worker_world.hpp"

#include <gmock/gmock.h>

#include <future>
#include <stdexcept>
#include <thread>

namespace greenroom::machine::testing {
namespace {

using protocols::failure;

config::specialist calls() {
  config::specialist who;
  who.name = "in-process";
  who.backend.kind = config::backend_kind::function;
  return who;
}

TEST(FunctionWorker, AnswersFromWithinRunWhenInline) {
  const auto here = std::this_thread::get_id();
  const callable twice{[here](const std::string& input) {
                         EXPECT_EQ(std::this_thread::get_id(), here);
                         return "[" + input + "," + input + "]";
                       },
                       true};
  stage world{calls(), &twice};
  ASSERT_TRUE(world.seen->ready());
  EXPECT_EQ(world.work->pid(), 0);
  world.work->run(world.task("7"));
  EXPECT_EQ(world.seen->endings(), 1U);
  EXPECT_EQ(world.seen->result().output, "[7,7]");
}

TEST(FunctionWorker, RunsWhatMayBlockElsewhereAndAllAtOnce) {
  constexpr int many = 40;
  std::atomic<int> inside{0};
  std::promise<void> all;
  auto everyone = all.get_future().share();
  const callable meets{[&](const std::string& input) {
                         if (++inside == many) all.set_value();
                         everyone.wait();
                         return input;
                       },
                       false};
  stage world{calls(), &meets};
  ASSERT_TRUE(world.seen->ready());
  for (int i = 0; i < many; ++i) world.work->run(world.task(std::to_string(i)));
  EXPECT_TRUE(world.seen->ended(many));
}

TEST(FunctionWorker, RefusesWhatThrowsOrIsNotJson) {
  for (const bool inline_run : {true, false}) {
    const callable odd{[](const std::string& input) -> std::string {
                         if (input == "1") throw std::runtime_error{"no such customer"};
                         if (input == "2") throw 42;
                         return "{";
                       },
                       inline_run};
    stage world{calls(), &odd};
    ASSERT_TRUE(world.seen->ready());
    const auto thrown = world.run("1");
    EXPECT_EQ(thrown.why, failure::refused);
    EXPECT_FALSE(thrown.retryable);
    EXPECT_EQ(thrown.output, "no such customer");
    EXPECT_EQ(world.run("2").why, failure::refused);
    EXPECT_EQ(world.run("3").why, failure::refused);
  }
}

TEST(FunctionWorker, IsGoneOnlyWhenItsLastCallHasReturned) {
  std::promise<void> entered, leave;
  auto left = leave.get_future().share();
  const callable waits{[&](const std::string& input) {
                         entered.set_value();
                         left.wait();
                         return input;
                       },
                       false};
  stage world{calls(), &waits};
  ASSERT_TRUE(world.seen->ready());
  world.work->run(world.task("1"));
  entered.get_future().wait();
  world.work->stop(std::chrono::milliseconds{0});
  world.work->ping();
  ASSERT_TRUE(world.seen->pong());  // The loop has been through; still not gone.
  EXPECT_EQ(world.seen->times_gone(), 0);
  leave.set_value();
  ASSERT_TRUE(world.seen->gone());
  EXPECT_EQ(world.seen->endings(), 1U);
  EXPECT_TRUE(world.seen->how().asked);
}

TEST(FunctionWorker, MayBeDestroyedWhileACallIsUnderWay) {
  std::promise<void> entered, leave;
  std::promise<void> over;
  auto left = leave.get_future().share();
  const callable waits{[&](const std::string& input) {
                         entered.set_value();
                         left.wait();
                         over.set_value();
                         return input;
                       },
                       false};
  task_ledger ledger{16, 1};
  {
    stage world{calls(), &waits};
    ASSERT_TRUE(world.seen->ready());
    auto job = ledger.acquire();
    job->input = "1";
    world.work->run(std::move(job));
    entered.get_future().wait();
  }
  leave.set_value();
  over.get_future().wait();
  while (ledger.alive() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace greenroom::machine::testing
