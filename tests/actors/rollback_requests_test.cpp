// The commands by which a rollout asks for a rollback.
#include "actors/rollout/rollback_requests.hpp"

#include <gtest/gtest.h>

namespace greenroom::actors {
namespace {

using runtime::rollout::decision, runtime::rollout::decision_kind, runtime::rollout::trigger;

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

}  // namespace
}  // namespace greenroom::actors
