#include "runtime/resilience/retry_decision.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime {
namespace {

/// The first of three attempts failed after 10 ns; the deadline is far away.
constexpr attempt_failure usual_failure{.attempts = 1,
                                        .attempts_max = 3,
                                        .dispatched_ns = 100,
                                        .failed_ns = 110,
                                        .deadline_ns = 1000,
                                        .backoff_ns = 50};

TEST(RetryDecision, WaitsForTheBackoff) {
  const auto decision = decide_retry(usual_failure);
  EXPECT_EQ(decision.due_ns, 160);
  EXPECT_FALSE(decision.exhausted);
  EXPECT_FALSE(decision.prefer_fallback);
}

TEST(RetryDecision, WaitsForTheRequestedPauseWhenThatIsLonger) {
  auto failure = usual_failure;
  failure.requested_pause_ns = 49;
  EXPECT_EQ(decide_retry(failure).due_ns, 160);
  failure.requested_pause_ns = 51;
  EXPECT_EQ(decide_retry(failure).due_ns, 161);
}

TEST(RetryDecision, IsExhaustedAtTheLastAttemptAndNotBefore) {
  auto failure = usual_failure;
  failure.attempts = 2;
  EXPECT_FALSE(decide_retry(failure).exhausted);
  failure.attempts = 3;
  EXPECT_TRUE(decide_retry(failure).exhausted);
  EXPECT_TRUE(decide_retry(failure).prefer_fallback);
}

TEST(RetryDecision, IsExhaustedWhenNoAttemptCanBeginBeforeTheDeadline) {
  auto failure = usual_failure;
  failure.deadline_ns = 161;
  EXPECT_FALSE(decide_retry(failure).exhausted);
  failure.deadline_ns = 160;
  EXPECT_TRUE(decide_retry(failure).exhausted);
}

TEST(RetryDecision, PrefersAFallbackWhenAnotherAttemptWouldEndTooLate) {
  auto failure = usual_failure;
  failure.deadline_ns = 171;
  EXPECT_FALSE(decide_retry(failure).prefer_fallback);
  failure.deadline_ns = 170;  // 160, and the 10 of the attempt that failed.
  EXPECT_TRUE(decide_retry(failure).prefer_fallback);
  EXPECT_FALSE(decide_retry(failure).exhausted) << "without a fallback it is tried all the same";
}

TEST(RetryDecision, PrefersAFallbackWhileTheCircuitAdmitsNothing) {
  auto failure = usual_failure;
  failure.circuit_admits = false;
  EXPECT_TRUE(decide_retry(failure).prefer_fallback);
  EXPECT_FALSE(decide_retry(failure).exhausted);
}

}  // namespace
}  // namespace greenroom::runtime
