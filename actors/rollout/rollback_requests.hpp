// The commands by which a rollout asks for a rollback.
#pragma once

#include "actors/state/status_board.hpp"
#include "runtime/rollout/rollout_plan.hpp"

#include <optional>

namespace greenroom::actors {

/// The command that follows from a decision of the plan: to roll back, or to propose a rollback to
/// the operator. Nothing for any other decision, and if the rollback itself decided.
[[nodiscard]] std::optional<rollout_command> rollback_request(
    const runtime::rollout::decision& why);

/// The command that a predecessor of the rollout's actor did not deliver: the predecessor decided
/// to roll back, and died before the rollback received the command.
[[nodiscard]] std::optional<rollout_command> undelivered_rollback(
    const runtime::rollout::rollout_plan& plan, const status_board& board);

}  // namespace greenroom::actors
