#include "runtime/pooling/slot_answers.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime {
namespace {

TEST(SlotAnswers, AGrantStartsAColdWorkerThatCanStart) {
  EXPECT_TRUE(accepts_grant({}, reason::predicted));
  EXPECT_FALSE(accepts_grant({.can_start = false}, reason::predicted));
  for (const auto state : {worker_state::warming, worker_state::warm, worker_state::cooling})
    EXPECT_FALSE(accepts_grant({.state = state}, reason::predicted));
}

TEST(SlotAnswers, AGrantForATaskNeedsATask) {
  EXPECT_FALSE(accepts_grant({.has_queue = false}, reason::demand));
  EXPECT_TRUE(accepts_grant({.has_queue = true}, reason::demand));
}

TEST(SlotAnswers, AWorkerThatWasGivenUpStartsForATaskOrWhenPinned) {
  const slot_holder holder{.has_queue = true, .given_up = true};
  EXPECT_TRUE(accepts_grant(holder, reason::demand));
  EXPECT_TRUE(accepts_grant(holder, reason::pinned));
  EXPECT_FALSE(accepts_grant(holder, reason::predicted));
}

TEST(SlotAnswers, ARecallStopsAnIdleWorker) {
  EXPECT_EQ(answer_recall({.state = worker_state::warm}, false), recall_answer::stop);
  EXPECT_EQ(answer_recall({.state = worker_state::warming}, true), recall_answer::report);
}

TEST(SlotAnswers, ARecallOfAWorkerInUseIsIgnoredUnlessItIsAnothersTurn) {
  slot_holder holder{.state = worker_state::warm, .in_use = true};
  EXPECT_EQ(answer_recall(holder, false), recall_answer::report);
  EXPECT_EQ(answer_recall(holder, true), recall_answer::yield);
  holder.is_inline = true;
  EXPECT_EQ(answer_recall(holder, true), recall_answer::report);
}

TEST(SlotAnswers, ARecallOfAWorkerThatIsReplacedEndsTheReplacement) {
  const slot_holder holder{.state = worker_state::cooling, .replacing = true};
  EXPECT_EQ(answer_recall(holder, false), recall_answer::end_replacing);
}

}  // namespace
}  // namespace greenroom::runtime
