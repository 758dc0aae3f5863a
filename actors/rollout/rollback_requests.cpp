#include "actors/rollout/rollback_requests.hpp"

#include <algorithm>

namespace greenroom::actors {

using runtime::rollout::decision, runtime::rollout::decision_kind, runtime::rollout::trigger;

std::optional<rollout_command> rollback_request(const decision& why) {
  const bool rolls_back = why.roll_back && why.kind != decision_kind::fell_back;
  if (!rolls_back && !why.ask) return std::nullopt;
  rollout_command result;
  result.what = rollout_command::kind::roll_back;
  result.who = "rollout";
  result.reason = why.reason;
  if (rolls_back) {
    result.cause = why.kind == decision_kind::failed ? trigger::judge : trigger::by_hand;
  } else {
    result.cause = trigger::judge;
    result.planned = true;
    result.confirmed = false;
  }
  return result;
}

std::optional<rollout_command> undelivered_rollback(const runtime::rollout::rollout_plan& plan,
                                                    const status_board& board) {
  const auto& decisions = plan.decisions();
  if (plan.stands() != runtime::rollout::standing::rolled_back) return std::nullopt;
  const auto last = std::find_if(decisions.rbegin(), decisions.rend(),
                                 [](const decision& one) { return one.roll_back; });
  if (last == decisions.rend()) return std::nullopt;
  const bool received = board.read([&](const status_board::content& content) {
    return std::ranges::any_of(content.rollbacks, [&](const rollback_face& one) {
      return !one.plan.finished() || one.plan.steps().back().at_s >= last->at_s;
    });
  });
  return received ? std::nullopt : rollback_request(*last);
}

}  // namespace greenroom::actors
