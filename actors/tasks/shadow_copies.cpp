#include "actors/tasks/shadow_copies.hpp"

#include "actors/mailbox/io_execution_unit.hpp"
#include "runtime/rollout/routing.hpp"

#include <exception>
#include <utility>

namespace greenroom::actors {

using protocols::pool_kind, protocols::task, protocols::task_location;

shadow_copies::original shadow_copies::prepare(const protocols::task_ptr& job,
                                               const member& specialist, std::string_view command,
                                               routing_table::mode routes) {
  original result;
  const bool is_unsafe = job->effects == protocols::side_effects::unsafe;
  result.answered_by_baseline =
      routes == routing_table::mode::shadow && parts_.pools.of(pool_kind::intelligent).open;
  if (!result.answered_by_baseline
      && (job->pool.load(std::memory_order_relaxed) != pool_kind::intelligent || is_unsafe
          || !parts_.routes.take_copy()))
    return result;
  const auto key = runtime::rollout::routing_key(job->case_id, job->idempotency_key,
                                                 job->case_id.empty() ? job->input : "");
  const auto index = job->specialist.load(std::memory_order_relaxed);
  const auto& starts = parts_.pools.of(pool_kind::baseline).specialists[index].gauge.starts;
  result.pair =
      parts_.shadow.begin(specialist.config.name, command, is_unsafe, key, true, {index, &starts});
  if (!result.pair) return result;
  job->observer =
      shadow_traffic::observer_of(result.pair,
                                  result.answered_by_baseline ? shadow_traffic::part::baseline
                                                              : shadow_traffic::part::intelligent,
                                  std::move(job->observer));
  result.input = job->input;
  result.job = job;
  return result;
}

void shadow_copies::push(const original& of) {
  if (!of.pair) return;
  using enum shadow_traffic::part;
  const auto other = of.answered_by_baseline ? intelligent : baseline;
  const auto pool = of.answered_by_baseline ? pool_kind::intelligent : pool_kind::baseline;
  if (!copy(of, pool, shadow_traffic::observer_of(of.pair, other), true))
    shadow_traffic::missing(of.pair, other);
  if (shadow_traffic::wants_again(of.pair)
      && !copy(of, pool_kind::baseline, shadow_traffic::observer_of(of.pair, again), false))
    shadow_traffic::missing(of.pair, again);
}

// Callers' tasks come first: a copy never waits in a long queue, and never for a specialist with an
// open circuit.
bool shadow_copies::copy(const original& of, pool_kind pool,
                         std::shared_ptr<protocols::task_observer> listener, bool judged) {
  const auto& like = *of.job;
  const auto& current = parts_.catalogs.now();
  auto& gauge = parts_.pools.of(pool).specialists[like.specialist].gauge;
  const auto& bounds = current.config.queue;
  if (gauge.open_until_ns.load(std::memory_order_relaxed) > like.accepted_ns) {
    // A caller would have been refused, or a fallback would have answered.
    if (pool == pool_kind::intelligent
        && current.members[like.specialist].fallback == catalog::nobody)
      count_open_circuit(pool);
    return false;
  }
  if (gauge.depth() > bounds.per_specialist / 2) return false;
  if (!parts_.ledger.take_in(of.input.size(), bounds.input_bytes / 2)) return false;
  auto job = parts_.ledger.acquire(true);
  if (!job) {
    parts_.ledger.put_back(of.input.size());
    return false;
  }
  job->belongs_to(like.specialist, like.department);
  job->urgency = pool == pool_kind::baseline ? protocols::priority::low : like.urgency;
  job->effects = like.effects;
  job->is_shadow = true;
  job->judged = judged;
  // The intelligent pool learns from the copies: they are the only traffic that it sees. A second
  // answer of the baseline is no arrival.
  job->observed = pool == pool_kind::intelligent;
  job->case_key = like.case_key;
  job->input = of.input;
  job->accepted_ns = like.accepted_ns;
  job->accepted_unix_ms = like.accepted_unix_ms;
  job->deadline_ns = like.deadline_ns.load();
  job->start_beside = like.start_beside.load(std::memory_order_relaxed);
  job->observer = std::move(listener);
  job->pool.store(pool, std::memory_order_relaxed);
  job->counted.store(task::counter_key(like.specialist, pool), std::memory_order_relaxed);
  gauge.entered.fetch_add(1, std::memory_order_relaxed);
  job->location.store(task_location::ring, std::memory_order_release);
  // The ring has room for every task that the ledger can hold.
  if (!parts_.dispatching.door.push(job.release(), io_execution_unit::current())) std::terminate();
  return true;
}

void shadow_copies::count_open_circuit(pool_kind pool) {
  machine::count(parts_.pools.of(pool).gauge.shed_open);
  parts_.ends.add_shed(pool);
}

}  // namespace greenroom::actors
