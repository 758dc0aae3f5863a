// A line that is drawn anew while others read from it.
#include "runtime/machine/io/counter_time.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <thread>

namespace greenroom::machine {
namespace {

TEST(CounterTime, NeverMixesTwoLines) {
  constexpr std::int64_t step_ns = 10'000'000;
#ifdef __SANITIZE_THREAD__
  constexpr int steps = 6'000'000;  // The sanitizer needs no luck to see a race.
#else
  constexpr int steps = 60'000'000;
#endif
  counter_time time;  // Two ticks a nanosecond.
  std::atomic<std::int64_t> seen{0};
  std::thread observer{[&] {
    for (int i = 0; i <= steps; ++i) {
      time.observe(static_cast<std::uint64_t>(i) * step_ns * 2, i * step_ns);
      seen.store(i * step_ns, std::memory_order_relaxed);
    }
  }};
  int wrong = 0;
  std::size_t known = 0;
  for (auto last = seen.load(); last < steps * step_ns; last = seen.load()) {
    const auto now = time.at(static_cast<std::uint64_t>(last + 1000) * 2);
    if (now == counter_time::unknown) continue;
    ++known;
    if (now != last + 1000) ++wrong;
  }
  observer.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(known, 1000u) << "hardly ever was there a line to read from";
  EXPECT_EQ(time.at(static_cast<std::uint64_t>(steps) * step_ns * 2), steps * step_ns);
}

}  // namespace
}  // namespace greenroom::machine
