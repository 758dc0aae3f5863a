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

ledger_verdict balance(const ledger_counts& before, const ledger_counts& now) {
  auto out = balance(now);
  if (now.accepted < before.accepted || now.completed < before.completed
      || now.failed < before.failed || now.cancelled < before.cancelled
      || now.unknown < before.unknown) {
    out.balanced = false;
    out.text += ", a counter went back";
  }
  return out;
}

bool task_ledger::accept(std::uint64_t task) {
  if (!pending_.emplace(task, 0).second) return false;
  ++counts_.accepted;
  ++counts_.queued;
  return true;
}

std::optional<task_ledger::token> task_ledger::start(std::uint64_t task) {
  const auto found = pending_.find(task);
  if (found == pending_.end()) return std::nullopt;
  if (found->second == 0) {
    --counts_.queued;
    ++counts_.running;
  }
  found->second = next_++;
  return found->second;
}

bool task_ledger::requeue(std::uint64_t task) {
  const auto found = pending_.find(task);
  if (found == pending_.end()) return false;
  if (found->second != 0) {
    --counts_.running;
    ++counts_.queued;
    found->second = 0;
  }
  return true;
}

task_ledger::answer task_ledger::end(std::uint64_t task, token from, ending how) {
  const auto found = pending_.find(task);
  if (found == pending_.end()) {
    ++unheard_;
    return answer::unheard;
  }
  if (found->second != from) {
    ++fenced_;
    return answer::fenced;
  }
  --(from == 0 ? counts_.queued : counts_.running);
  pending_.erase(found);
  switch (how) {
    case ending::completed: ++counts_.completed; break;
    case ending::failed: ++counts_.failed; break;
    case ending::cancelled: ++counts_.cancelled; break;
    case ending::unknown: ++counts_.unknown; break;
  }
  return answer::deliver;
}

}  // namespace greenroom::runtime::rollout
