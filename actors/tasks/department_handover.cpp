// How a department gives tasks away: to the other pool when its own is being left, and to a
// specialist's fallback while its circuit is open.
#include "actors/tasks/department.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace greenroom::actors {

using protocols::failure, protocols::task, protocols::task_phase, protocols::task_location;
using protocols::task_ptr, protocols::task_state;

// By way of the dispatcher. The caller has counted it in at its new place; it counts in exactly one
// place's depth all the time: whoever exchanges `counted` settles it, here or at its end.
void department::move_to(task_ptr job, std::uint32_t specialist, protocols::pool_kind pool) {
  auto running = task_state::running;
  job->state.compare_exchange_strong(running, task_state::queued);
  auto& theirs = parts_.pools.of(pool).specialists[specialist].gauge;
  const auto from = job->specialist.load(std::memory_order_relaxed);
  auto here = task::counter_key(from, pool_);
  if (!job->counted.compare_exchange_strong(here, task::counter_key(specialist, pool),
                                            std::memory_order_acq_rel)) {
    theirs.left.fetch_add(1, std::memory_order_relaxed);  // It has ended meanwhile.
    return;
  }
  parts_.pools.of(pool_).specialists[from].gauge.left.fetch_add(1, std::memory_order_relaxed);
  job->belongs_to(specialist, parts_.catalogs.now().members[specialist].department);
  job->pool.store(pool, std::memory_order_release);
  job->location.store(task_location::ring, std::memory_order_release);
  job->phase = task_phase::wanted;
  parts_.dispatching.returned.push(std::move(job), context());
}

void department::hand_over(task_ptr job) {
  if (job->mirror) {
    parts_.ending.conclude(*job, task_state::cancelled, failure::cancelled,
                           "its pool is being left", context());
    return;
  }
  const auto other = pool_ == protocols::pool_kind::intelligent ? protocols::pool_kind::baseline
                                                                : protocols::pool_kind::intelligent;
  const auto who = job->specialist.load(std::memory_order_relaxed);
  parts_.pools.of(other).specialists[who].gauge.entered.fetch_add(1, std::memory_order_relaxed);
  move_to(std::move(job), who, other);
}

void department::hand_over_all(bool fence) {
  if (!leaving()) return;
  for (auto& one : entries_) {
    for (auto job = one.line.pop(); job; job = one.line.pop())
      if (!job->claimed.load(std::memory_order_acquire)) hand_over(std::move(job));
    one.wanted_since_ns = 0;
    // Those that its specialist holds ahead come back; with a fence, what runs comes back too.
    if (one.hired && actor_of(one) && !one.pending.empty())
      send(actor_of(one), protocols::switch_atom::value, fence);
    rest(one, now_ns());
  }
  for (auto& waiting : std::exchange(retries_, {}))
    if (!waiting.job->claimed.load(std::memory_order_acquire)) hand_over(std::move(waiting.job));
}

// A copy stays: how its specialist does is what it was made for.
bool department::pass_on(const entry& one, task_ptr& job) {
  if (job->mirror) return false;
  const auto& playing = parts_.catalogs.now();
  const auto now = now_ns();
  auto next = member_of(one).fallback;
  for (std::size_t hops = 0; next != actors::catalog::nobody && hops < playing.members.size();
       ++hops) {
    const auto& other = playing.members[next];
    auto& gauge = parts_.pools.of(pool_).specialists[next].gauge;
    const bool out = other.gone || gauge.open_until_ns.load(std::memory_order_relaxed) > now;
    if (!out && next != one.index) {
      const auto most = playing.config.queue.per_specialist + other.width;
      if (gauge.enter() < most || gauge.others() < most) {
        // What must not be done twice at either of them must not be done twice at all.
        job->effects = std::max(job->effects, other.effects);
        job->observed = false;
        move_to(std::move(job), next, pool_);
        return true;
      }
      gauge.turn_away();
    }
    next = other.fallback;
  }
  return false;
}

void department::relieve(entry& one) {
  if (one.line.empty() || member_of(one).fallback == catalog::nobody) return;
  auto probes = one.breaker.room(breaker_limits(),
                                 runtime::breaker::time_point{std::chrono::nanoseconds{now_ns()}});
  std::vector<task_ptr> stay;
  for (auto job = one.line.pop(); job; job = one.line.pop()) {
    if (job->claimed.load(std::memory_order_acquire)) continue;
    if (probes > 0) {
      --probes;
      stay.push_back(std::move(job));
    } else if (!pass_on(one, job)) {
      stay.push_back(std::move(job));
    }
  }
  for (auto& job : stay) one.line.push_back(std::move(job));
}

}  // namespace greenroom::actors
