#include "runtime/queueing/arrival_limiter.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime {
namespace {

constexpr std::int64_t start_ns = 3'600'000'000'000;

/// Admitted arrivals, of `count` arrivals at one moment.
std::uint32_t admitted(arrival_limiter& limiter, std::uint32_t count, std::int64_t at_ns) {
  std::uint32_t result = 0;
  for (std::uint32_t i = 0; i < count; ++i) result += limiter.admit(at_ns) ? 1U : 0U;
  return result;
}

TEST(ArrivalLimiter, AdmitsSomeAtOnceAndThenOneEachPeriod) {
  arrival_limiter limiter;
  EXPECT_EQ(admitted(limiter, 50, start_ns), arrival_limiter::at_once_max);
  EXPECT_FALSE(limiter.admit(start_ns + arrival_limiter::period_ns - 1));
  EXPECT_TRUE(limiter.admit(start_ns + arrival_limiter::period_ns));
  EXPECT_FALSE(limiter.admit(start_ns + arrival_limiter::period_ns));
}

TEST(ArrivalLimiter, EarnsNoMoreThanItsLimitInAPause) {
  arrival_limiter limiter;
  static_cast<void>(admitted(limiter, 20, start_ns));
  const auto later_ns = start_ns + 1000 * arrival_limiter::period_ns;
  EXPECT_EQ(admitted(limiter, 50, later_ns), arrival_limiter::at_once_max);
}

TEST(ArrivalLimiter, AdmitsHardlyAnyOfAFlood) {
  arrival_limiter limiter;
  static_cast<void>(
      admitted(limiter, arrival_limiter::at_once_max + arrival_limiter::unreported_max, start_ns));
  EXPECT_FALSE(limiter.admit(start_ns + arrival_limiter::long_period_ns - 1));
  EXPECT_TRUE(limiter.admit(start_ns + arrival_limiter::long_period_ns));
}

TEST(ArrivalLimiter, KeepsTheShortPeriodBelowTheFlood) {
  arrival_limiter limiter;
  static_cast<void>(admitted(
      limiter, arrival_limiter::at_once_max + arrival_limiter::unreported_max - 1, start_ns));
  EXPECT_TRUE(limiter.admit(start_ns + arrival_limiter::period_ns));
}

}  // namespace
}  // namespace greenroom::runtime
