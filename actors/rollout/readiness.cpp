#include "actors/rollout/readiness.hpp"

#include <algorithm>

namespace greenroom::actors {

using machine::task_outcome;
using protocols::pool_kind, protocols::task_state;
using runtime::rollout::balance;

warm_count baseline_count(const readiness_parts& where) {
  const auto& catalog = where.catalogs.now();
  warm_count result;
  for (std::uint32_t i = 0; i < catalog.members.size(); ++i) {
    if (catalog.members[i].gone) continue;
    ++result.all;
    const auto state = where.pools.of(pool_kind::baseline)
                           .specialists[i]
                           .gauge.state.load(std::memory_order_relaxed);
    if (is_up(state)) ++result.warm;
  }
  return result;
}

std::string dead_command(const readiness_parts& where) {
  const auto& catalog = where.catalogs.now();
  for (const auto& [command, to] : catalog.config.commands) {
    if (!to.specialist.empty()) {
      const auto who = catalog.find(to.specialist);
      if (who == catalog::nobody || catalog.members[who].gone) return command;
      continue;
    }
    const auto department = catalog.by_department.find(to.department);
    if (department == catalog.by_department.end()
        || std::ranges::all_of(catalog.department_members[department->second],
                               [&](std::uint32_t who) { return catalog.members[who].gone; }))
      return command;
  }
  return {};
}

runtime::rollout::readiness readiness_of(const readiness_parts& where) {
  runtime::rollout::readiness result;
  const auto count = baseline_count(where);
  result.baseline_warm = where.pools.of(pool_kind::baseline).open && count.warm == count.all;
  result.intelligent_up = where.pools.of(pool_kind::intelligent).open;
  result.journal_ok = !where.journal.on || where.gauge.journal_ok.load(std::memory_order_relaxed);
  result.monitor_ok =
      where.board.read([](const status_board::content& board) { return board.checked_at_s > 0; });
  const auto dead = dead_command(where);
  result.commands_ok = dead.empty();
  result.detail =
      std::to_string(count.warm) + " of " + std::to_string(count.all) + " baseline workers warm";
  if (!dead.empty()) result.detail += "; no specialist answers the command " + dead;
  return result;
}

runtime::rollout::ledger_verdict ledger_now(const readiness_parts& where) {
  runtime::rollout::ledger_verdict verdict;
  constexpr int tries = 5;
  for (int i = 0; i < tries; ++i) {
    runtime::rollout::ledger_counts counts;
    const auto ended_before = where.gauge.ended();
    counts.accepted = where.gauge.accepted();
    where.ledger.for_each([&](const protocols::task_ptr& job) {
      if (job->is_shadow || job->announced.load(std::memory_order_acquire)) return;
      if (job->state.load(std::memory_order_acquire) == task_state::running)
        ++counts.running;
      else
        ++counts.queued;
    });
    const auto ended = where.gauge.ended();
    std::array<std::uint64_t, machine::task_outcome_count> ends{};
    for (std::size_t e = 0; e < ends.size(); ++e) {
      for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
        ends[e] += where.pools.of(kind).gauge.ends(e);
      ends[e] -= std::min(ends[e], machine::count_of(where.pools.shadow_ends[e]));
    }
    // A task counts as answered when its caller was told; the outcomes say how.
    counts.failed = ends[static_cast<std::size_t>(task_outcome::failed)]
                    + ends[static_cast<std::size_t>(task_outcome::timeout)];
    counts.cancelled = ends[static_cast<std::size_t>(task_outcome::cancelled)];
    counts.unknown = ends[static_cast<std::size_t>(task_outcome::unknown)];
    const auto others = counts.failed + counts.cancelled + counts.unknown;
    counts.completed = ended - std::min(ended, others);
    verdict = balance(counts);
    if (verdict.balanced) return verdict;
    if (ended_before != ended)
      --i;  // A task ended meanwhile, so the counts do not belong together.
    if (i < -1000) break;
  }
  return verdict;
}

held_tasks held_by_intelligent(const readiness_parts& where) {
  held_tasks result;
  where.ledger.for_each([&](const protocols::task_ptr& job) {
    if (job->is_shadow || job->claimed.load(std::memory_order_acquire)
        || job->pool.load() != pool_kind::intelligent)
      return;
    if (job->state.load(std::memory_order_acquire) == task_state::running)
      ++result.running;
    else
      ++result.waiting;
  });
  return result;
}

}  // namespace greenroom::actors
