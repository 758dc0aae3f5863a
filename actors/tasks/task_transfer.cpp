#include "actors/tasks/task_transfer.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::pool_kind, protocols::task, protocols::task_location;
using protocols::task_phase, protocols::task_ptr, protocols::task_state;

void task_transfer::move(task_ptr job, std::uint32_t specialist, pool_kind pool) {
  auto& parts = context_.parts;
  auto running = task_state::running;
  job->state.compare_exchange_strong(running, task_state::queued);
  auto& theirs = parts.pools.of(pool).specialists[specialist].gauge;
  const auto from = job->specialist.load(std::memory_order_relaxed);
  auto here = task::counter_key(from, context_.pool);
  if (!job->counted.compare_exchange_strong(here, task::counter_key(specialist, pool),
                                            std::memory_order_acq_rel)) {
    theirs.left.fetch_add(1, std::memory_order_relaxed);  // The task has ended meanwhile.
    return;
  }
  context_.own_pool().specialists[from].gauge.left.fetch_add(1, std::memory_order_relaxed);
  job->belongs_to(specialist, context_.catalog_now().members[specialist].department);
  job->pool.store(pool, std::memory_order_release);
  job->location.store(task_location::ring, std::memory_order_release);
  job->phase = task_phase::wanted;
  parts.dispatching.returned.push(std::move(job), context_.self.context());
}

void task_transfer::use_other_pool(task_ptr job) {
  auto& parts = context_.parts;
  if (job->is_shadow) {
    parts.ending.end_task(*job, task_state::cancelled, failure::cancelled,
                          "tasks move to the other pool; a copy does not", context_.self.context());
    return;
  }
  const auto other =
      context_.pool == pool_kind::intelligent ? pool_kind::baseline : pool_kind::intelligent;
  const auto specialist = job->specialist.load(std::memory_order_relaxed);
  parts.pools.of(other).specialists[specialist].gauge.entered.fetch_add(1,
                                                                        std::memory_order_relaxed);
  move(std::move(job), specialist, other);
}

bool task_transfer::use_fallback(const specialist_entry& entry, task_ptr& job) {
  // A copy shows how its specialist does, so another specialist's answer is worth nothing.
  if (job->is_shadow) return false;
  const auto& current = context_.catalog_now();
  const auto now = context_.now_ns();
  auto next = context_.member_of(entry).fallback;
  for (std::size_t hops = 0; next != catalog::nobody && hops < current.members.size(); ++hops) {
    const auto& other = current.members[next];
    auto& gauge = context_.own_pool().specialists[next].gauge;
    const bool out = other.gone || gauge.open_until_ns.load(std::memory_order_relaxed) > now;
    if (!out && next != entry.index) {
      const auto depth_max = current.config.queue.per_specialist + other.width;
      if (gauge.enter() < depth_max || gauge.others() < depth_max) {
        // A task that one of the two specialists must not do twice must not be done twice at all.
        job->effects = std::max(job->effects, other.effects);
        job->observed = false;
        move(std::move(job), next, context_.pool);
        return true;
      }
      gauge.turn_away();
    }
    next = other.fallback;
  }
  return false;
}

}  // namespace greenroom::actors
