#include "runtime/rollout/ledger_balance.hpp"

#include <gtest/gtest.h>

using namespace greenroom::runtime::rollout;

TEST(LedgerBalance, FindsOneLostAndOneSurplusTask) {
  ledger_counts now{10, 4, 1, 1, 1, 2, 1};
  EXPECT_TRUE(balance(now).balanced);
  EXPECT_EQ(balance(now).text, "10 accepted = 7 answered + 3 pending");
  now.accepted = 11;
  EXPECT_FALSE(balance(now).balanced);
  EXPECT_EQ(balance(now).lost, 1u);
  now.accepted = 9;
  EXPECT_EQ(balance(now).surplus, 1u);
  EXPECT_EQ(balance(now).lost, 0u);
}
