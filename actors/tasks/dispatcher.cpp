#include "actors/tasks/dispatcher.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::task, protocols::task_phase, protocols::task_location;
using protocols::task_ptr, protocols::task_state;

namespace {

constexpr std::chrono::milliseconds sweep_period{10};
constexpr std::size_t sweep_places = 2048;
constexpr int looks = 4;  // Before others run, when there is more each time.

}  // namespace

dispatcher::dispatcher(caf::actor_config& cfg, const dispatcher_parts& parts)
    : draining_actor{cfg}, parts_{parts} {}

void dispatcher::drain() {
  arm();
  for (int i = 0; i < looks; ++i) {
    take();
    if (parts_.dispatching.door.try_sleep() && parts_.dispatching.returned.try_sleep()) return;
  }
  // More is coming all the time, and what was passed on has not run yet.
  parts_.dispatching.door.call_again(context());
  yield();
}

bool dispatcher::take_some() {
  if (parts_.dispatching.door.empty() && parts_.dispatching.returned.empty()) return false;
  take();
  return true;
}

void dispatcher::take() {
  auto& pending = parts_.dispatching.pending;
  parts_.dispatching.door.drain([&](task* job) { pending.push_back(task_ptr::adopt(job)); });
  // What is in the hands survives us; one is let go only once it has been passed on.
  for (auto& job : pending)
    if (job) pass(std::move(job));
  pending.clear();
  for (auto* at = parts_.dispatching.returned.take(); at != nullptr;) {
    auto* after = at->next.load(std::memory_order_relaxed);
    dispatch(task_ptr::adopt(at));
    at = after;
  }
}

void dispatcher::pass(task_ptr job) {
  if (job->journaled && parts_.journal.on && !job->recorded.load(std::memory_order_acquire)) {
    job->location.store(task_location::journal, std::memory_order_release);
    parts_.ending.note(*job, journal_note::kind::accepted, context());
    return;
  }
  dispatch(std::move(job));
}

void dispatcher::dispatch(task_ptr job) {
  if (job->claimed.load(std::memory_order_acquire)) return;
  job->phase = task_phase::wanted;
  job->location.store(task_location::ring, std::memory_order_release);
  auto& port = parts_.pools.of(job->pool).departments[job->department].port;
  port.push(std::move(job), context());
}

// What took so long, and what came of it before.
std::string dispatcher::lateness(const task& job, std::int64_t now_ns) const {
  std::string text = "the deadline passed ";
  text += delay_of(job, now_ns);
  if (job.state.load(std::memory_order_acquire) == protocols::task_state::running)
    if (const auto strays =
            parts_.pools.of(job.pool).specialists[job.specialist].gauge.strays.told();
        !strays.empty())
      text += "; its worker " + strays;
  if (const auto* last = job.failures.load(std::memory_order_acquire))
    text += "; attempt " + std::to_string(last->number) + " failed: " + last->why;
  return text;
}

const char* dispatcher::delay_of(const task& job, std::int64_t now_ns) const {
  constexpr auto circuit = "while the circuit of its specialist was open";
  if (job.state.load(std::memory_order_acquire) == protocols::task_state::running)
    return "while it ran";
  const auto& gauge = parts_.pools.of(job.pool).specialists[job.specialist].gauge;
  const auto open_until_ns = gauge.open_until_ns.load(std::memory_order_relaxed);
  if (open_until_ns > now_ns) return circuit;
  const bool again = job.failures.load(std::memory_order_acquire) != nullptr;
  if (again || job.cold_start) switch (gauge.state.load(std::memory_order_relaxed)) {
      case worker_state::warming: return "while its worker started";
      case worker_state::failed: return "before its worker, whose starts failed, was up";
      case worker_state::cold: return "while it waited for a warm slot (pool.max_warm)";
      default: break;
    }
  if (open_until_ns != 0) return circuit;  // Until a probe has succeeded nobody else goes on.
  return again ? "while it waited to be tried again" : "while it waited";
}

// A part of the ledger at a time, so that the tasks of a busy node do not wait for it.
void dispatcher::sweep() {
  armed_ = false;
  const auto now = parts_.clock.now_ns();
  std::array<std::vector<std::uint32_t>, pools> holders;
  swept_ = parts_.ledger.for_each_due(swept_, sweep_places, now, [&](const task_ptr& job) {
    // It may be another task by now.
    const bool ended = job->claimed.load(std::memory_order_acquire);
    if (!ended) {
      if (now < job->deadline_ns.load(std::memory_order_relaxed)) return;
      parts_.ending.conclude(*job, task_state::failed, failure::out_of_time, lateness(*job, now),
                             context());
    }
    if (job->location.load(std::memory_order_acquire) == task_location::department)
      holders[static_cast<std::size_t>(job->pool.load())].push_back(job->specialist);
  });
  for (std::size_t i = 0; i < pools; ++i) {
    auto& who = holders[i];
    std::ranges::sort(who);
    who.erase(std::unique(who.begin(), who.end()), who.end());
    if (!who.empty() && pools_[i]) send(pools_[i], protocols::purge{std::move(who)});
  }
  const bool tasks = parts_.ledger.alive() > 0;
  // Pairs with `department::mark`: either it sees that we do not look again, or we see what it
  // wants.
  if (!tasks) parts_.dispatching.ticking.store(false, std::memory_order_seq_cst);
  if (wake_departments(now) || tasks) arm();
}

// One timer for all of them: each of CAF's costs its thread and this one two switches, and those of
// twenty departments at the same moment would hold up the tasks for half a millisecond.
bool dispatcher::wake_departments(std::int64_t now_ns) {
  bool later = false;
  for (const auto kind : {protocols::pool_kind::baseline, protocols::pool_kind::intelligent}) {
    for (auto& one : parts_.pools.of(kind).departments) {
      auto due_ns = one.wake_at_ns.load(std::memory_order_seq_cst);
      if (due_ns == 0) continue;
      later = later || due_ns > now_ns;
      if (due_ns <= now_ns && one.wake_at_ns.compare_exchange_strong(due_ns, 0))
        one.port.signal(department_record::due_bit, context());
    }
  }
  return later;
}

void dispatcher::arm() {
  if (std::exchange(armed_, true)) return;
  parts_.dispatching.ticking.store(true, std::memory_order_seq_cst);
  delayed_send(this, sweep_period, protocols::tick_atom::value);
}

caf::behavior dispatcher::make_behavior() {
  parts_.unexpected.watch(this);
  parts_.dispatching.door.attach(caf::strong_actor_ptr{ctrl()});
  parts_.dispatching.returned.attach(caf::strong_actor_ptr{ctrl()});
  parts_.dispatching.door.take_over();
  parts_.dispatching.returned.take_over();
  drain();
  return {
      [this](protocols::hire_atom, std::uint32_t kind, const caf::actor& pool) {
        pools_[kind] = pool;
      },
      [this](protocols::tick_atom) { sweep(); },
  };
}

void dispatcher::on_exit() {
  parts_.dispatching.door.attach({});
  parts_.dispatching.returned.attach({});
  pools_ = {};
}

}  // namespace greenroom::actors
