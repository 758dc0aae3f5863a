// Time from the processor's counter: what the line says, and that it never runs away.
#include "runtime/machine/io/fast_clock.hpp"
#include "runtime/machine/io/counter_time.hpp"

#include <gtest/gtest.h>

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <typeinfo>

namespace {
thread_local std::size_t system_looks = 0;  // At the time, by this thread.
}  // namespace

// Stands in front of the library's in this program.
extern "C" int clock_gettime(clockid_t which, timespec* to) noexcept {
  using function = int (*)(clockid_t, timespec*);
  static const auto library = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "clock_gettime"));
  ++system_looks;
  return library(which, to);
}

namespace greenroom::machine {
namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr auto unknown = counter_time::unknown;

/// A counter of four ticks a nanosecond.
class CounterTime : public ::testing::Test {
protected:
  static std::uint64_t ticks(std::int64_t ns) { return 77 + static_cast<std::uint64_t>(ns) * 4; }
  void observe(std::int64_t ns) { time.observe(ticks(ns), ns); }
  [[nodiscard]] std::int64_t at(std::int64_t ns) const { return time.at(ticks(ns)); }
  void know() {
    for (const auto ns : {0 * ms, 10 * ms, 20 * ms}) observe(ns);
  }

  counter_time time;
};

TEST_F(CounterTime, IsUnknownUntilTwoStretchesWereAsFast) {
  EXPECT_EQ(at(0), unknown);
  observe(0);
  observe(10 * ms);
  EXPECT_EQ(at(10 * ms), unknown);
  observe(20 * ms);
  EXPECT_EQ(at(20 * ms), 20 * ms);
  EXPECT_EQ(at(29 * ms), 29 * ms);
}

TEST_F(CounterTime, IsUnknownWhenTheLastLookWasLongAgo) {
  know();
  EXPECT_EQ(at(30 * ms - 1), 30 * ms - 1);
  EXPECT_EQ(at(30 * ms), unknown);
  EXPECT_EQ(at(3'600'000 * ms), unknown);
}

TEST_F(CounterTime, TakesNoNoticeOfLooksTooCloseTogether) {
  observe(0);
  for (int i = 1; i < 5; ++i) observe(i * ms);
  EXPECT_EQ(at(4 * ms), unknown);
  observe(5 * ms);
  observe(10 * ms);
  EXPECT_EQ(at(10 * ms), 10 * ms);
}

TEST_F(CounterTime, DoesNotTakeASleepOfTheMachineForTime) {
  know();
  // The counter went on for an hour, and the clock for three milliseconds.
  EXPECT_EQ(at(3'600'000 * ms), unknown);
  time.observe(ticks(3'600'000 * ms), 30 * ms);
  EXPECT_EQ(time.at(ticks(3'600'001 * ms)), unknown);
  time.observe(ticks(3'600'010 * ms), 40 * ms);
  time.observe(ticks(3'600'020 * ms), 50 * ms);
  EXPECT_EQ(time.at(ticks(3'600'021 * ms)), 51 * ms);
}

TEST_F(CounterTime, BeginsAnewWhenTheCounterWentBack) {
  know();
  time.observe(5, 30 * ms);
  EXPECT_EQ(time.at(6), unknown);
  time.observe(5 + 40 * ms, 40 * ms);
  time.observe(5 + 80 * ms, 50 * ms);
  EXPECT_EQ(time.at(5 + 84 * ms), 51 * ms);
}

TEST_F(CounterTime, NeverGoesBackWhenItWasAhead) {
  know();
  // The line would be at 29, the clock says five microseconds less.
  const auto late = 29 * ms - 5000;
  time.observe(ticks(29 * ms), late);
  EXPECT_EQ(at(29 * ms), 29 * ms);
  auto last = at(29 * ms);
  for (auto ns = 29 * ms; ns < 38 * ms; ns += 1000) {
    EXPECT_GE(at(ns), last);
    last = at(ns);
  }
  // Met: the clock is as slow as it has been, five in the nine milliseconds before.
  EXPECT_NEAR(static_cast<double>(last), static_cast<double>(38 * ms - 10'000), 1000);
}

TEST_F(CounterTime, GoesForwardAtOnceWhenItWasBehind) {
  know();
  time.observe(ticks(29 * ms), 29 * ms + 5000);
  EXPECT_EQ(at(29 * ms), 29 * ms + 5000);
}

/// The clock's own source, if it has one; else it is the steady clock, and both would be the same.
std::shared_ptr<const clock> counting_clock() {
  auto result = fast_clock();
  return typeid(*result) == typeid(clock) ? nullptr : result;
}

TEST(FastClock, SaysWhatTheSteadyClockSays) {
  const auto fast = counting_clock();
  if (!fast) GTEST_SKIP() << "the kernel does not take the time from the processor's counter";
  const clock steady;
  constexpr std::int64_t tolerance_ns = 50'000;
  // Long enough that it has been set several times.
  for (const auto until = steady.now_ns() + 60 * ms; steady.now_ns() < until;) {
    const auto before = steady.now_ns();
    const auto now = fast->now_ns();
    const auto after = steady.now_ns();
    ASSERT_GE(now, before - tolerance_ns);
    ASSERT_LE(now, after + tolerance_ns);
  }
}

TEST(FastClock, HardlyEverAsksTheSystem) {
  const auto fast = counting_clock();
  if (!fast) GTEST_SKIP() << "the kernel does not take the time from the processor's counter";
  const clock steady;
  const auto asked_before = system_looks;
  static_cast<void>(steady.now_ns());
  ASSERT_EQ(system_looks, asked_before + 1) << "the looks of this thread are counted";
  // Until it knows the pace of the counter.
  for (const auto until = steady.now_ns() + 60 * ms; steady.now_ns() < until;)
    static_cast<void>(fast->now_ns());
  constexpr std::size_t looks = 100'000;
  const auto asked = system_looks;
  for (std::size_t i = 0; i < looks; ++i) static_cast<void>(fast->now_ns());
  EXPECT_LT(system_looks - asked, looks / 10);
}

}  // namespace
}  // namespace greenroom::machine
