#include "runtime/rollout/ledger_balance.hpp"

namespace greenroom::runtime::rollout {

ledger_verdict balance(const ledger_counts& now) {
  ledger_verdict out;
  const auto seen = now.answered() + now.pending();
  out.balanced = seen == now.accepted;
  if (seen < now.accepted) out.lost = now.accepted - seen;
  if (seen > now.accepted) out.surplus = seen - now.accepted;
  out.text = std::to_string(now.accepted) + " accepted " + (out.balanced ? "=" : "!=") + " "
             + std::to_string(now.answered()) + " answered + " + std::to_string(now.pending())
             + " pending";
  if (out.lost > 0) out.text += ", " + std::to_string(out.lost) + " lost";
  if (out.surplus > 0) out.text += ", " + std::to_string(out.surplus) + " too many";
  return out;
}

}  // namespace greenroom::runtime::rollout
