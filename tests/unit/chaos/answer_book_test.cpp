#include "runtime/chaos/answer_book.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime::chaos {
namespace {

TEST(AnswerBook, HasAsPendingWhatWasAcceptedAndNotAnswered) {
  answer_book book;
  const auto a = book.open(), b = book.open(), c = book.open();
  book.accepted(a);
  book.accepted(b);
  book.refused(c);
  EXPECT_EQ(book.pending(), 2U);
  EXPECT_TRUE(book.answered(a));
  EXPECT_EQ(book.pending(), 1U);
  EXPECT_EQ(book.accepted(), 2U);
  EXPECT_EQ(book.answered(), 1U);
  EXPECT_EQ(book.refused(), 1U);
  EXPECT_EQ(book.doubled(), 0U);
}

TEST(AnswerBook, TakesAnAnswerThatIsHeardBeforeTheTaskIsKnownToBeAccepted) {
  answer_book book;
  const auto a = book.open();
  EXPECT_TRUE(book.answered(a));
  EXPECT_EQ(book.pending(), 0U);
  book.accepted(a);
  EXPECT_EQ(book.pending(), 0U);
  EXPECT_EQ(book.doubled(), 0U);
}

TEST(AnswerBook, SeesWhatIsAnsweredTwiceAndWhatIsAnsweredAlthoughRefused) {
  answer_book book;
  const auto a = book.open(), b = book.open(), c = book.open();
  book.accepted(a);
  book.answered(a);
  EXPECT_FALSE(book.answered(a));
  EXPECT_EQ(book.doubled(), 1U);
  book.refused(b);
  EXPECT_FALSE(book.answered(b));
  EXPECT_EQ(book.doubled(), 2U);
  book.answered(c);
  book.refused(c);
  EXPECT_EQ(book.doubled(), 3U);
}

TEST(LedgerReading, BalancesWhateverMovesWhileItIsRead) {
  // 100 accepted, 90 ended, 10 alive; meanwhile 5 more came and 8 ended.
  for (std::uint64_t alive = 2; alive <= 15; ++alive)
    EXPECT_TRUE(judge({.accepted_before = 100,
                       .ended_before = 90,
                       .alive = alive,
                       .accepted_after = 105,
                       .ended_after = 98})
                    .balanced())
        << alive;
}

TEST(LedgerReading, ShowsALostTaskWhenNothingMoves) {
  const auto lost = judge({.accepted_before = 100,
                           .ended_before = 90,
                           .alive = 9,
                           .accepted_after = 100,
                           .ended_after = 90});
  EXPECT_EQ(lost.lost, 1U);
  EXPECT_EQ(lost.surplus, 0U);
  EXPECT_FALSE(lost.balanced());
}

TEST(LedgerReading, ShowsATaskThatIsAliveAfterItsEnd) {
  const auto twice = judge({.accepted_before = 100,
                            .ended_before = 90,
                            .alive = 12,
                            .accepted_after = 100,
                            .ended_after = 90});
  EXPECT_EQ(twice.lost, 0U);
  EXPECT_EQ(twice.surplus, 2U);
}

}  // namespace
}  // namespace greenroom::runtime::chaos
