// Callables that are told to stop, and those that nobody waits for any more.
#include "tests/machine/worker_world.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stop_token>
#include <thread>

namespace greenroom::machine::testing {
namespace {

config::specialist in_process() {
  config::specialist who;
  who.name = "in-process";
  who.backend.kind = config::backend_kind::function;
  return who;
}

/// Runs until it is asked to stop.
struct patient {
  std::promise<void> entered;
  std::atomic<bool> stopped{false};
  callable_function call{[this](const std::string& input, std::stop_token stop) {
    entered.set_value();
    std::mutex mutex;
    std::unique_lock lock{mutex};
    std::condition_variable_any bell;
    bell.wait(lock, stop, [] { return false; });
    stopped = true;
    return input;
  }};
};

TEST(CallableFunction, IsMadeFromEitherSignature) {
  const callable_function none;
  EXPECT_FALSE(none);
  EXPECT_FALSE(callable_function{std::function<std::string(const std::string&)>{}});
  EXPECT_FALSE(callable_function{static_cast<std::string (*)(const std::string&)>(nullptr)});
  const callable_function plain{[](const std::string& input) { return input + "1"; }};
  EXPECT_EQ(plain("a"), "a1");
  std::stop_source source;
  const callable_function told{[](const std::string& input, const std::stop_token& stop) {
    return input + (stop.stop_requested() ? "stop" : "go");
  }};
  EXPECT_EQ(told("a", source.get_token()), "ago");
  source.request_stop();
  EXPECT_EQ(told("a", source.get_token()), "astop");
}

TEST(CallableFunction, IsAskedToStopByACancellation) {
  patient one;
  const callable function{one.call, false};
  stage world{in_process(), &function};
  ASSERT_TRUE(world.seen->ready());
  const auto job = world.task("1");
  world.work->run(job);
  one.entered.get_future().wait();
  world.work->cancel(job);
  ASSERT_TRUE(world.seen->ended(1));
  EXPECT_TRUE(one.stopped);
}

TEST(CallableFunction, IsAskedToStopWithItsWorker) {
  patient one;
  const callable function{one.call, false};
  stage world{in_process(), &function};
  ASSERT_TRUE(world.seen->ready());
  world.work->run(world.task("1"));
  one.entered.get_future().wait();
  world.work->stop(std::chrono::milliseconds{0});
  ASSERT_TRUE(world.seen->gone());
  EXPECT_TRUE(one.stopped);
}

TEST(CallableFunction, IsCountedUntilNothingOfItIsLeft) {
  const auto gate = std::make_shared<call_gate>();
  EXPECT_TRUE(gate->wait_for(std::chrono::milliseconds{0}));
  auto ticket = std::make_unique<call_gate::ticket>(gate);
  EXPECT_EQ(gate->under_way(), 1U);
  EXPECT_FALSE(gate->wait_for(std::chrono::milliseconds{1}));
  std::thread ends{[&] { ticket.reset(); }};
  while (!gate->wait_for(std::chrono::seconds{1})) {
  }
  ends.join();
  EXPECT_EQ(gate->under_way(), 0U);
}

TEST(BorrowedThread, KnowsWhoseCodeRuns) {
  EXPECT_FALSE(borrowed_thread::in_any());
  {
    const borrowed_thread outer{borrowed_thread::kind::callable};
    EXPECT_TRUE(borrowed_thread::in_any());
    EXPECT_FALSE(borrowed_thread::in_callback());
    {
      const borrowed_thread inner{borrowed_thread::kind::callback};
      EXPECT_TRUE(borrowed_thread::in_callback());
    }
    EXPECT_FALSE(borrowed_thread::in_callback());
  }
  EXPECT_FALSE(borrowed_thread::in_any());
}

}  // namespace
}  // namespace greenroom::machine::testing
