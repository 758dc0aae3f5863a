#include "actors/state/node_state.hpp"

#include "actors/mailbox/worker_link.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using machine::task_outcome;
using protocols::failure, protocols::task, protocols::task_ptr, protocols::task_state;

namespace {

// A reload may add a few without a restart.
std::size_t ledger_room(const config::node& config) {
  constexpr std::size_t spare = 1024;
  return tasks_at_once(config) + spare;
}

task_outcome outcome_of(task_state state, failure why) {
  switch (state) {
    case task_state::completed: return task_outcome::completed;
    case task_state::cancelled: return task_outcome::cancelled;
    case task_state::unknown: return task_outcome::unknown;
    default: break;
  }
  return why == failure::out_of_time ? task_outcome::timeout : task_outcome::failed;
}

}  // namespace

std::size_t tasks_at_once(const config::node& config) {
  std::size_t running = 0;
  for (const auto& department : config.departments)
    for (const auto& one : department.specialists) running += one.backend.concurrency;
  constexpr std::size_t afterwards = 4096;
  return config.queue.total + std::min<std::size_t>(running, 65'536) + afterwards;
}

specialist_record::specialist_record() = default;
specialist_record::~specialist_record() {
  if (link) link->cut();
}

void specialist_record::begin_anew() {
  vacant_since.store(0, std::memory_order_relaxed);
  gauge.forget();
  slot_wanted_since_ns.store(0, std::memory_order_relaxed);
  failed_starts.store(0, std::memory_order_relaxed);
  last_error.write([](std::string& text) { text.clear(); });
  for (auto& one : mirror_ends) one.store(0, std::memory_order_relaxed);
}

void specialist_record::abandon() {
  if (link) link->cut();
  link.reset();
  worker.reset();
  port.let_go();
  static_cast<void>(port.take_signals());
  definition.store(0, std::memory_order_relaxed);
  gauge.pid.store(0, std::memory_order_relaxed);
  gauge.running.store(0, std::memory_order_relaxed);
  gauge.memory_bytes.store(0, std::memory_order_relaxed);
  gauge.state.store(machine::worker_state::cold, std::memory_order_relaxed);
}

node_state::node_state(std::shared_ptr<const catalog> first, std::size_t spare_specialists,
                       std::uint64_t epoch, std::shared_ptr<const machine::clock> clock)
    : time{std::move(clock)},
      unix_offset_ns{time->unix_ms() * 1'000'000 - time->now_ns()},
      wall_offset_ns{unix_offset_ns},
      ledger{ledger_room(first->config), epoch},
      door{ledger.capacity()},
      journal{3 * ledger.capacity()} {
  const auto specialists = first->members.size() + spare_specialists;
  const auto departments = first->departments.size() + (spare_specialists == 0 ? 0 : 64);
  for (auto& one : pools_) {
    one.specialists.make_room(specialists);
    one.departments.make_room(departments);
  }
  static_cast<void>(replace_catalog(std::move(first)));
}

std::optional<double> node_state::memory_sums::efficiency() const {
  const auto used = static_cast<double>(used_kib_ms.load(std::memory_order_relaxed));
  const auto always = static_cast<double>(always_kib_ms.load(std::memory_order_relaxed));
  if (always <= 0) return std::nullopt;
  return std::clamp(1 - used / always, 0.0, 1.0);
}

node_state::~node_state() { forget_tasks(); }

void node_state::forget_tasks() {
  for (auto& one : pools_) {
    for (auto& record : one.specialists) {
      record.abandon();
      record.actor = nullptr;
      record.port.attach({});
    }
    for (auto& record : one.departments) {
      record.port.let_go();
      record.port.attach({});
    }
  }
  dispatcher.let_go();
  dispatcher.attach({});
  door.attach({});
  journal.attach({});
  ledger.for_each([](const task_ptr& job) { machine::task_ledger::let_go(*job); });
  while (door.drain([](task* job) { task_ptr::adopt(job); }) > 0) {
  }
  journal.drain([](const journal_note& one) { task_ptr::adopt(one.job); });
  for (const auto& one : std::exchange(journal_pending, {})) task_ptr::adopt(one.job);
  dispatcher_pending.clear();
  waiters.clear();
}

bool node_state::replace_catalog(std::shared_ptr<const catalog> next) {
  for (const auto& one : pools_)
    if (next->members.size() > one.specialists.room()
        || next->departments.size() > one.departments.room())
      return false;
  for (auto& one : pools_) {
    one.specialists.grow(next->members.size());
    one.departments.grow(next->departments.size());
  }
  events.keep(next->config.limits.event_log_bytes);
  // Those whose numbers are used again are known to nobody, and not told of yet.
  for (std::size_t who = 0; who < next->members.size(); ++who)
    if (next->born[who] == next->generation)
      for (auto& one : pools_) one.specialists[who].begin_anew();
  // The one before goes with the last thread that holds it, which may be this one.
  const std::lock_guard lock{cast_mutex_};
  std::erase_if(earlier_, [](const auto& one) { return one.second.expired(); });
  if (current_) earlier_.emplace_back(current_->generation, current_);
  cast_.store(next.get(), std::memory_order_release);
  current_.swap(next);
  return true;
}

std::vector<std::uint32_t> node_state::vacant() const {
  const auto playing = shared_catalog();
  std::vector<std::uint32_t> held;
  {
    const std::lock_guard lock{cast_mutex_};
    for (const auto& [generation, one] : earlier_)
      if (!one.expired()) held.push_back(generation);
  }
  std::vector<bool> has_tasks(playing->members.size());
  ledger.for_each([&](const task_ptr& job) {
    has_tasks[job->specialist.load(std::memory_order_relaxed)] = true;
    const auto seat = job->counted.load(std::memory_order_relaxed);
    if (seat != task::uncounted) has_tasks[task::specialist_of(seat)] = true;
  });
  const auto at_rest = [&](std::uint32_t who) {
    return std::ranges::all_of(pools_, [&](const pool_record& pool) {
      const auto& record = pool.specialists[who];
      return record.gauge.depth() == 0 && record.definition.load() == 0
             && (!pool.open
                 || record.vacant_since.load(std::memory_order_acquire) == playing->left[who]);
    });
  };
  std::vector<std::uint32_t> result;
  for (std::uint32_t who = 0; who < playing->members.size(); ++who) {
    if (!playing->members[who].gone || has_tasks[who] || !at_rest(who)) continue;
    const bool known = std::ranges::any_of(held, [&](std::uint32_t generation) {
      return generation >= playing->born[who] && generation < playing->left[who];
    });
    if (!known) result.push_back(who);
  }
  return result;
}

bool node_state::runs_old_definition(protocols::pool_kind which, std::uint32_t who) const {
  const auto runs = pool(which).specialists[who].definition.load(std::memory_order_relaxed);
  const auto& playing = catalog_now();
  return runs != 0 && (playing.members[who].gone || runs != playing.definitions[who]);
}

std::shared_ptr<const catalog> node_state::shared_catalog() const {
  const std::lock_guard lock{cast_mutex_};
  return current_;
}

const machine::callable* node_state::at_once(const member& who) const {
  if (!who.inline_function || !callables) return nullptr;
  const auto found = callables->find(who.config.name);
  return found == callables->end() ? nullptr : &found->second;
}

bool conclude(node_state& where, task& job, task_state state, failure why, std::string output,
              caf::execution_unit* here, std::int64_t retry_after_ms) {
  if (job.claimed.exchange(true, std::memory_order_acq_rel)) return false;
  if (retry_after_ms > 0) job.retry_after_ms = retry_after_ms;
  job.why = why;
  where.ledger.hold_output(output.size());
  job.output = std::move(output);
  job.end_state = state;
  job.ended_ns = where.time->now_ns();
  const auto counted = job.counted.exchange(task::uncounted, std::memory_order_acq_rel);
  const auto kind = counted == task::uncounted ? job.pool.load() : task::pool_of(counted);
  const auto who =
      counted == task::uncounted ? job.specialist.load() : task::specialist_of(counted);
  job.pool.store(kind, std::memory_order_relaxed);
  // Being passed on just now, it has ended with the one that it counts for.
  if (job.specialist.load(std::memory_order_relaxed) != who)
    job.belongs_to(who, where.catalog_now().members[who].department);
  auto& pool = where.pool(kind);
  auto& gauge = pool.specialists[who].gauge;
  const auto outcome = static_cast<std::size_t>(outcome_of(state, why));
  const auto total_ns = std::max<std::int64_t>(job.ended_ns - job.accepted_ns, 0);
  // A copy that is only compared is nobody's task: it is counted beside.
  if (job.mirror) {
    machine::count(pool.specialists[who].mirror_ends[outcome]);
    machine::count(where.mirror_ends[outcome]);
  } else {
    machine::count(gauge.ends[outcome]);
    pool.departments[job.department].gauge.add(total_ns);
    where.gauge.leave();
  }
  pool.gauge.add(outcome, total_ns);
  where.ends.add(job, kind, state, why, total_ns);
  if (counted != task::uncounted) gauge.left.fetch_add(1, std::memory_order_relaxed);
  if (job.journaled && where.journaling)
    note(where, job, journal_note::kind::ended, here);
  else
    announce(where, job);
  return true;
}

void note(node_state& where, task& job, journal_note::kind what, caf::execution_unit* here) {
  auto held = task_ptr::share(&job);
  // At most three notes a task, and the ring has room for three of every task there can be.
  if (where.journal.push({held.get(), what}, here)) held.release();
}

// Those who asked the same under the same idempotency key.
static void tell_others(node_state& where, const task& job) {
  for (const auto& other : where.waiters.take(job.id)) other->on_end(job);
}

void announce(node_state& where, task& job) {
  // The journal may tell twice: when it cannot write an end, and when it can again. Whether the
  // task is journaled does not say so, since one whose acceptance could not be written is not.
  if (job.announced.exchange(true, std::memory_order_acq_rel)) return;
  if (!job.mirror) where.gauge.end();
  job.state.store(job.end_state, std::memory_order_release);
  if (job.who) job.who->on_end(job);
  if (!job.idempotency_key.empty()) tell_others(where, job);
  machine::task_ledger::let_go(job);
}

void leave(node_state& where, task& job) {
  if (const auto who = job.who) who->on_left(job);
  for (const auto& other : where.waiters.take(job.id)) other->on_left(job);
}

// False when it had ended before.
static bool uncount(node_state& where, task& job) {
  if (job.claimed.exchange(true, std::memory_order_acq_rel)) return false;
  job.announced.store(true, std::memory_order_relaxed);
  machine::count(where.gauge.withdrawn);
  where.gauge.leave();
  const auto counted = job.counted.exchange(task::uncounted, std::memory_order_acq_rel);
  if (counted != task::uncounted)
    where.pool(task::pool_of(counted))
        .specialists[task::specialist_of(counted)]
        .gauge.left.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void withdraw(node_state& where, task& job) {
  if (!uncount(where, job)) return;
  job.end_state = task_state::cancelled;
  job.state.store(task_state::cancelled, std::memory_order_release);
  machine::task_ledger::let_go(job);
}

void turn_away_conflict(node_state& where, task& job, std::string why) {
  if (!uncount(where, job)) return;
  job.why = failure::key_conflict;
  where.ledger.hold_output(why.size());
  job.output = std::move(why);
  job.end_state = task_state::failed;
  job.ended_ns = where.time->now_ns();
  job.state.store(task_state::failed, std::memory_order_release);
  if (job.who) job.who->on_end(job);
  tell_others(where, job);
  machine::task_ledger::let_go(job);
}

}  // namespace greenroom::actors
