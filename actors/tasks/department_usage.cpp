#include "actors/tasks/department_usage.hpp"

#include <chrono>
#include <utility>

namespace greenroom::actors {

namespace {

constexpr std::int64_t period_ns = 50'000'000;
constexpr std::int64_t phases = 5;  // Of a period, so that not all departments report at once.

}  // namespace

department_usage::department_usage(department_context& of) : context_{of} {
  batch_.department = of.index;
}

void department_usage::add_arrival(specialist_entry& entry, const protocols::task& job) {
  if (batch_.arrivals.size() < arrivals_max && entry.arrivals.admit(job.accepted_ns))
    batch_.arrivals.push_back(
        {entry.index, job.case_key, context_.parts.clock.unix_us(job.accepted_ns)});
  else
    ++batch_.lost;
}

void department_usage::mark(specialist_entry& entry) {
  if (std::exchange(entry.is_reported, false)) changed_.push_back(entry.position);
  if (std::exchange(report_due_, true)) return;
  const auto now = context_.now_ns();
  const auto phase_ns = static_cast<std::int64_t>(context_.index) % phases * (period_ns / phases);
  const auto due_ns = now + period_ns - (now - phase_ns) % period_ns;
  // Pairs with `dispatcher::sweep`: either the dispatcher sees when to wake this department, or the
  // department sees that the dispatcher's timer does not run.
  auto& local = context_.record().local;
  local.wake_at(due_ns, std::memory_order_seq_cst);
  if (context_.parts.dispatching.ticking.load(std::memory_order_seq_cst)) return;
  local.wake_at(0, std::memory_order_relaxed);
  context_.self.delayed_send(&context_.self, std::chrono::nanoseconds{due_ns - now},
                             usage_due::value);
}

void department_usage::report() {
  report_due_ = false;
  for (const auto position : changed_) {
    auto& entry = context_.entries[position];
    entry.is_reported = true;
    const auto tasks = static_cast<std::uint32_t>(entry.queue.size() + entry.dispatched.size());
    batch_.changed.push_back(
        {entry.index, tasks, tasks > 0 ? 0 : context_.parts.clock.unix_us(entry.idle_since_ns)});
  }
  changed_.clear();
  protocols::usage_batch full;
  full.department = context_.index;
  std::swap(full, batch_);
  context_.self.send(context_.director, std::move(full));
}

void department_usage::report_arrivals() {
  if (batch_.arrivals.empty()) return;
  protocols::usage_batch first;
  first.department = context_.index;
  std::swap(first.arrivals, batch_.arrivals);
  context_.self.send(context_.director, std::move(first));
}

}  // namespace greenroom::actors
