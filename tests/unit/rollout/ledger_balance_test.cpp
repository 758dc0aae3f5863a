#include "runtime/rollout/ledger_balance.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

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

TEST(LedgerBalance, FindsACounterThatWentBack) {
  const ledger_counts before{10, 10, 0, 0, 0, 0, 0};
  EXPECT_TRUE(balance(before, {12, 11, 0, 0, 0, 1, 0}).balanced);
  EXPECT_FALSE(balance(before, {9, 9, 0, 0, 0, 0, 0}).balanced) << "balanced, but one is gone";
}

TEST(TaskLedger, DeliversExactlyOneAnswer) {
  task_ledger book;
  EXPECT_TRUE(book.accept(1));
  EXPECT_FALSE(book.accept(1));
  const auto run = book.start(1);
  ASSERT_TRUE(run);
  EXPECT_EQ(book.end(1, *run, ending::completed), task_ledger::answer::deliver);
  EXPECT_EQ(book.end(1, *run, ending::completed), task_ledger::answer::unheard);
  EXPECT_FALSE(book.start(1));
  EXPECT_FALSE(book.requeue(1));
  EXPECT_TRUE(balance(book.counts()).balanced);
}

TEST(TaskLedger, FencesTheAttemptThatWasGivenUp) {
  task_ledger book;
  book.accept(1);
  const auto first = *book.start(1);
  EXPECT_TRUE(book.requeue(1));
  EXPECT_EQ(book.end(1, first, ending::completed), task_ledger::answer::fenced)
      << "even before the task runs again";
  const auto second = *book.start(1);
  EXPECT_EQ(book.end(1, first, ending::completed), task_ledger::answer::fenced);
  EXPECT_EQ(book.end(1, second, ending::failed), task_ledger::answer::deliver);
  EXPECT_EQ(book.fenced_answers(), 2u);
  EXPECT_EQ(book.counts().failed, 1u);
  EXPECT_EQ(book.counts().completed, 0u);
}

TEST(TaskLedger, EndsATaskThatNeverStarted) {
  task_ledger book;
  book.accept(5);
  EXPECT_EQ(book.end(5, 0, ending::cancelled), task_ledger::answer::deliver);
  EXPECT_EQ(book.counts().pending(), 0u);
}

TEST(TaskLedger, BalancesAtEveryMomentOfAnyOrderOfEvents) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 engine{seed};
    task_ledger book;
    std::vector<std::pair<std::uint64_t, task_ledger::token>> attempts;
    std::multiset<std::uint64_t> delivered;
    std::uint64_t next = 0;
    for (int i = 0; i < 600; ++i) {
      switch (engine() % 4) {
        case 0: book.accept(++next); break;
        case 1: {
          const auto task = 1 + engine() % (next + 1);
          if (const auto run = book.start(task)) attempts.emplace_back(task, *run);
          break;
        }
        case 2: book.requeue(1 + engine() % (next + 1)); break;
        default: {
          if (attempts.empty()) break;
          const auto& [task, run] = attempts[engine() % attempts.size()];
          if (book.end(task, run, static_cast<ending>(engine() % 4))
              == task_ledger::answer::deliver) {
            delivered.insert(task);
          }
        }
      }
      const auto found = balance(book.counts());
      ASSERT_TRUE(found.balanced) << "seed " << seed << ": " << found.text;
      ASSERT_EQ(book.counts().answered(), delivered.size());
    }
    for (const auto task : delivered) ASSERT_EQ(delivered.count(task), 1u) << "seed " << seed;
  }
}
