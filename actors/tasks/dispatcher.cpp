#include "actors/tasks/dispatcher.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::task, protocols::task_phase, protocols::task_place;
using protocols::task_ptr, protocols::task_state;

namespace {

constexpr std::chrono::milliseconds sweep_period{10};
constexpr std::size_t sweep_places = 2048;
constexpr std::int64_t close_together_ns = 100'000;
constexpr std::int64_t patience_ns = 20'000;
constexpr std::int64_t turn_ns = 100'000;
constexpr std::int64_t earned_max_ns = 5'000'000;
constexpr std::int64_t earned_share = 8;
constexpr int looks = 4;          // Before others run, when there is more each time.
constexpr int pauses = 8;         // Between two looks at the clock.
constexpr std::size_t ahead = 8;  // Tasks of which the specialists' lines are under way …
constexpr std::size_t close = 4;  // … and have come, so that what they lead to can follow.

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

dispatcher::dispatcher(caf::actor_config& cfg, const dispatcher_parts& parts)
    : draining_actor{cfg}, parts_{parts}, may_wait_{std::thread::hardware_concurrency() > 1} {}

void dispatcher::drain() {
  arm();
  awake_since_ns_ = 0;
  slept_ns_ = parts_.clock.now_ns();
  if (!std::exchange(turn_over_, false))
    for (int i = 0; i < looks; ++i) {
      take();
      if (parts_.dispatching.door.try_sleep() && parts_.dispatching.returned.try_sleep()) return;
    }
  // More is coming all the time, and what was passed on has not run yet.
  parts_.dispatching.door.call_again(context());
  yield();
}

void dispatcher::take() {
  auto& pending = parts_.dispatching.pending;
  parts_.dispatching.door.drain([&](task* job) {
    job->fetch_ahead();
    pending.push_back(task_ptr::adopt(job));
  });
  for (std::size_t i = 0; i < std::min(pending.size(), ahead); ++i)
    if (pending[i]) approach(*pending[i]);
  // What is in the hands survives us; one is let go only once it has been passed on.
  for (std::size_t i = 0; i < std::min(pending.size(), close); ++i)
    if (pending[i]) come_closer(*pending[i]);
  for (std::size_t i = 0; i < pending.size(); ++i) {
    if (i + ahead < pending.size() && pending[i + ahead]) approach(*pending[i + ahead]);
    if (i + close < pending.size() && pending[i + close]) come_closer(*pending[i + close]);
    if (pending[i]) pass(std::move(pending[i]));
  }
  pending.clear();
  for (auto* at = parts_.dispatching.returned.take(); at != nullptr;) {
    auto* after = at->next.load(std::memory_order_relaxed);
    dispatch(task_ptr::adopt(at));
    at = after;
  }
}

// To sleep and to be woken costs both sides more than a task does. While they come close together
// it stays awake for the next one, but never long: others need the thread. When a caller that keeps
// it busy is held up, it waits for longer, turn by turn: a thread that sleeps loses its core, and
// may be woken on its caller's, behind it. That costs an eighth of what it worked before at most.
bool dispatcher::drain_awake() {
  if (!may_wait_) return false;
  const auto begin = parts_.clock.now_ns();
  if (busy_since_ns_ != 0)
    earned_ns_ = std::min(earned_max_ns, earned_ns_ + (begin - busy_since_ns_) / earned_share);
  busy_since_ns_ = 0;
  if (awake_since_ns_ == 0) {
    if (begin - slept_ns_ > close_together_ns) return false;
    awake_since_ns_ = begin;
  }
  auto now = begin;
  while (parts_.dispatching.door.empty() && parts_.dispatching.returned.empty()) {
    if (now - begin > patience_ns && earned_ns_ <= 0) return false;
    if (now - awake_since_ns_ > turn_ns) break;
    for (int i = 0; i < pauses; ++i) pause();
    now = parts_.clock.now_ns();
  }
  if (now - begin > patience_ns) earned_ns_ -= now - begin;
  if (now - awake_since_ns_ > turn_ns) {
    turn_over_ = true;
    return false;
  }
  busy_since_ns_ = now;
  take();
  return true;
}

// In a large fleet what is known of a specialist is in no cache; it comes while others are passed.
void dispatcher::approach(const task& job) {
  const auto who = job.specialist.load(std::memory_order_relaxed);
  __builtin_prefetch(&parts_.catalogs.now().members[who]);
  protocols::prefetch_to_write(&parts_.pools.of(job.pool).specialists[who].gauge.left);
}

// Departments get few tasks at a time, and have no time for that between the first two.
void dispatcher::come_closer(const task& job) {
  const auto who = job.specialist.load(std::memory_order_relaxed);
  const auto& pool = parts_.pools.of(job.pool);
  __builtin_prefetch(pool.specialists[who].gauge.soon_needed.load(std::memory_order_relaxed));
  const auto& its = pool.departments[job.department];
  const auto* entries = its.entries.load(std::memory_order_relaxed);
  if (entries == nullptr) return;
  const auto bytes = its.entry_bytes.load(std::memory_order_relaxed);
  protocols::prefetch_to_write(entries + parts_.catalogs.now().members[who].place * bytes,
                               department_record::hot_entry_bytes);
}

void dispatcher::pass(task_ptr job) {
  if (job->journaled && parts_.journal.on && !job->recorded.load(std::memory_order_acquire)) {
    job->place.store(task_place::journal, std::memory_order_release);
    parts_.ending.note(*job, journal_note::kind::accepted, context());
    return;
  }
  dispatch(std::move(job));
}

void dispatcher::dispatch(task_ptr job) {
  if (job->claimed.load(std::memory_order_acquire)) return;
  job->phase = task_phase::wanted;
  job->place.store(task_place::ring, std::memory_order_release);
  // What it asks, and who waits for it, were last seen by the caller's core and are looked at soon.
  __builtin_prefetch(job->who.get());
  protocols::prefetch_to_read(job->input.data(), job->input.size());
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
    if (job->place.load(std::memory_order_acquire) == task_place::held)
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
