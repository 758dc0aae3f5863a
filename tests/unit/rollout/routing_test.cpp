#include "runtime/rollout/routing.hpp"
#include "protocols/base/hash.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

using namespace greenroom::runtime::rollout;

TEST(Routing, NeverMovesAKeyBackWhenThePercentageRises) {
  for (std::uint64_t salt = 1; salt <= 20; ++salt) {
    const routing routes{salt};
    for (std::uint64_t key = 0; key < 2000; ++key) {
      bool there = false;
      for (double percentage = 0; percentage <= 100; percentage += 2.5) {
        const bool now = routes.side_of(key, percentage) == pool_kind::intelligent;
        ASSERT_TRUE(now || !there) << "key " << key << " left at " << percentage;
        there = now;
      }
      ASSERT_TRUE(there) << "at 100 % everybody is there";
    }
  }
}

TEST(Routing, SendsNobodyAtZeroEverybodyAtAHundredAndClampsTheRest) {
  const routing routes;
  for (std::uint64_t key = 0; key < 5000; ++key) {
    EXPECT_EQ(routes.side_of(key, 0), pool_kind::baseline);
    EXPECT_EQ(routes.side_of(key, -5), pool_kind::baseline);
    EXPECT_EQ(routes.side_of(key, 100), pool_kind::intelligent);
    EXPECT_EQ(routes.side_of(key, 250), pool_kind::intelligent);
  }
}

TEST(Routing, GivesEachPercentageItsShareEvenOfKeysThatLookAlike) {
  const routing routes;
  for (const double percentage : {1.0, 25.0, 50.0, 75.0}) {
    int there = 0;
    constexpr int keys = 40000;
    for (int i = 0; i < keys; ++i) {
      const auto key = routing_key("session-" + std::to_string(i), "", "");
      there += routes.side_of(key, percentage) == pool_kind::intelligent;
    }
    const double p = percentage / 100;
    EXPECT_NEAR(there, keys * p, 5 * std::sqrt(keys * p * (1 - p)));
  }
}

TEST(Routing, KeysATaskByItsCaseFirst) {
  EXPECT_EQ(routing_key("case", "key", "1"), routing_key("case", "other", "2"));
  EXPECT_EQ(routing_key("", "key", "1"), routing_key("", "key", "2"));
  EXPECT_NE(routing_key("", "", "1"), routing_key("", "", "2"));
}

TEST(Routing, HashesTheSameInEveryRelease) {
  // Recorded once: a change here would move every running session.
  EXPECT_NEAR(routing{}.position_of(greenroom::base::stable_hash("session-1")), 0.535829999804637,
              1e-12);
  EXPECT_NEAR(routing{}.position_of(greenroom::base::stable_hash("session-2")), 0.252945048772241,
              1e-12);
}

TEST(Routing, LetsTheBaselineAnswerInShadowAndFallbackAndTheConfiguredPoolWhenIdle) {
  const routing routes;
  for (std::uint64_t key = 0; key < 200; ++key) {
    for (const auto configured : {pool_kind::baseline, pool_kind::intelligent}) {
      EXPECT_EQ(answering_side(mode::shadow, 100, key, routes, configured), pool_kind::baseline);
      EXPECT_EQ(answering_side(mode::fallback, 100, key, routes, configured), pool_kind::baseline);
      EXPECT_EQ(answering_side(mode::full, 0, key, routes, configured), pool_kind::intelligent);
      EXPECT_EQ(answering_side(mode::idle, 50, key, routes, configured), configured);
      EXPECT_EQ(answering_side(mode::hybrid, 50, key, routes, configured), routes.side_of(key, 50));
    }
  }
}

TEST(Routing, MirrorsOnlyInShadowAndNeverAnUnsafeTask) {
  EXPECT_TRUE(mirrored(mode::shadow, false));
  EXPECT_FALSE(mirrored(mode::shadow, true));
  for (const auto other : {mode::idle, mode::hybrid, mode::full, mode::fallback}) {
    EXPECT_FALSE(mirrored(other, false));
  }
}
