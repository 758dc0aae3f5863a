// The commands by which a rollout asks for a rollback.
#include "actors/rollout/rollback_requests.hpp"

#include "tests/unit/rollout/plan_rig.hpp"

#include <gtest/gtest.h>

namespace greenroom::actors {
namespace {

using runtime::rollout::decision, runtime::rollout::decision_kind, runtime::rollout::trigger;
using runtime::rollout::rollback_kind, runtime::rollout::rollback_plan;
using runtime::rollout::t0;

/// A plan that an operator aborted, by which a rollback is due.
runtime::rollout::rig aborted() {
  runtime::rollout::rig result;
  result.plan.start("test", t0);
  EXPECT_TRUE(result.until(runtime::rollout::phase::shadow_mode, 0));
  result.plan.abort("test", "too slow", result.now);
  EXPECT_TRUE(result.last().roll_back);
  return result;
}

rollback_plan begun(double at_s) {
  return rollback_plan::begin(1, rollback_kind::emergency, trigger::by_hand, "too slow", 0, at_s);
}

/// One that ended at once, because an operator took it back.
rollback_plan ended(double at_s) {
  auto result =
      rollback_plan::begin(1, rollback_kind::planned, trigger::by_hand, "too slow", 0, at_s);
  EXPECT_TRUE(result.cancel(at_s));
  EXPECT_TRUE(result.finished());
  return result;
}

void show(status_board& board, rollback_plan plan) {
  board.write([&](status_board::content& content) {
    content.rollbacks.push_back({std::move(plan), {}});
  });
}

TEST(RollbackRequests, RollBackAtOnceAfterAFailedStage) {
  decision failed;
  failed.kind = decision_kind::failed;
  failed.roll_back = true;
  failed.reason = "too many errors";
  const auto request = rollback_request(failed);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->what, rollout_command::kind::roll_back);
  EXPECT_EQ(request->cause, trigger::judge);
  EXPECT_EQ(request->reason, "too many errors");
  EXPECT_FALSE(request->planned);
}

TEST(RollbackRequests, ProposeARollbackThatAnOperatorMustConfirm) {
  decision proposed;
  proposed.ask = true;
  const auto request = rollback_request(proposed);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->planned);
  EXPECT_FALSE(request->confirmed);
}

TEST(RollbackRequests, AskForNothingThatTheRollbackItselfDecided) {
  decision fell_back;
  fell_back.kind = decision_kind::fell_back;
  fell_back.roll_back = true;
  EXPECT_FALSE(rollback_request(fell_back));
  EXPECT_FALSE(rollback_request(decision{}));
}

TEST(RollbackRequests, AreRepeatedIfTheRollbackNeverReceivedThem) {
  const auto rollout = aborted();
  status_board board;
  const auto request = undelivered_rollback(rollout.plan, board);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->cause, trigger::by_hand);
  EXPECT_EQ(request->reason, rollout.last().reason);
  show(board, ended(rollout.now - 1));
  EXPECT_TRUE(undelivered_rollback(rollout.plan, board)) << "that one was of an earlier run";
}

TEST(RollbackRequests, AreNotRepeatedWhileARollbackIsUnderWayOrAfterItEnded) {
  const auto rollout = aborted();
  status_board under_way, over;
  show(under_way, begun(rollout.now - 1));
  EXPECT_FALSE(undelivered_rollback(rollout.plan, under_way));
  show(over, ended(rollout.now));
  EXPECT_FALSE(undelivered_rollback(rollout.plan, over));
}

TEST(RollbackRequests, AreNotRepeatedByAPlanThatIsNotRolledBack) {
  runtime::rollout::rig running;
  running.plan.start("test", t0);
  EXPECT_FALSE(undelivered_rollback(running.plan, status_board{}));
}

TEST(RollbackRequests, AreNotRepeatedIfTheRollbackItselfDecided) {
  runtime::rollout::rig fallen;
  fallen.plan.start("test", t0);
  ASSERT_TRUE(fallen.until(runtime::rollout::phase::shadow_mode, 0));
  ASSERT_TRUE(fallen.plan.fall_back("too many errors", fallen.now));
  EXPECT_FALSE(undelivered_rollback(fallen.plan, status_board{}));
}

}  // namespace
}  // namespace greenroom::actors
