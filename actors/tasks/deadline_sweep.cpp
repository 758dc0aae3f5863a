#include "actors/tasks/deadline_sweep.hpp"

#include <algorithm>

namespace greenroom::actors {

using protocols::failure, protocols::task, protocols::task_location, protocols::task_ptr;
using protocols::task_state;

namespace {

constexpr std::size_t slots_at_once = 2048;

const char* delay_of(const task& job, const machine::specialist_gauge& specialist,
                     std::int64_t now_ns) {
  constexpr auto circuit = "while the circuit of its specialist was open";
  if (job.state.load(std::memory_order_acquire) == task_state::running) return "while it ran";
  const auto open_until_ns = specialist.open_until_ns.load(std::memory_order_relaxed);
  if (open_until_ns > now_ns) return circuit;
  const bool again = job.failures.load(std::memory_order_acquire) != nullptr;
  if (again || job.cold_start) switch (specialist.state.load(std::memory_order_relaxed)) {
      case worker_state::warming: return "while its worker started";
      case worker_state::failed: return "before its worker, whose starts failed, was up";
      case worker_state::cold: return "while it waited for a warm slot (pool.max_warm)";
      default: break;
    }
  if (open_until_ns != 0) return circuit;  // Other tasks wait until a probe has succeeded.
  return again ? "while it waited to be tried again" : "while it waited";
}

}  // namespace

std::string timeout_text(const task& job, const machine::specialist_gauge& specialist,
                         std::int64_t now_ns) {
  std::string text = "the deadline passed ";
  text += delay_of(job, specialist, now_ns);
  if (job.state.load(std::memory_order_acquire) == task_state::running)
    if (const auto strays = specialist.strays.told(); !strays.empty())
      text += "; its worker " + strays;
  if (const auto* last = job.failures.load(std::memory_order_acquire))
    text += "; attempt " + std::to_string(last->number) + " failed: " + last->why;
  return text;
}

deadline_sweep::holders deadline_sweep::run(std::int64_t now_ns, caf::execution_unit* unit) {
  holders result;
  next_ = parts_.ledger.for_each_due(next_, slots_at_once, now_ns, [&](const task_ptr& job) {
    if (!job->claimed.load(std::memory_order_acquire)) {
      // The slot may have another task since the ledger looked at the deadline.
      if (now_ns < job->deadline_ns.load(std::memory_order_relaxed)) return;
      const auto& specialist = parts_.pools.of(job->pool).specialists[job->specialist].gauge;
      parts_.ending.end_task(*job, task_state::failed, failure::out_of_time,
                             timeout_text(*job, specialist, now_ns), unit);
    }
    if (job->location.load(std::memory_order_acquire) == task_location::department)
      result[index_of(job->pool)].push_back(job->specialist);
  });
  for (auto& specialists : result) {
    std::ranges::sort(specialists);
    specialists.erase(std::unique(specialists.begin(), specialists.end()), specialists.end());
  }
  return result;
}

}  // namespace greenroom::actors
