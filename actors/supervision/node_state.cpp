#include "actors/supervision/node_state.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::task, protocols::task_ptr;

namespace {

// A reload may add a few without a restart.
std::size_t ledger_room(const config::node& config) {
  constexpr std::size_t spare = 1024;
  return tasks_at_once(config) + spare;
}

}  // namespace

std::size_t tasks_at_once(const config::node& config) {
  std::size_t running = 0;
  for (const auto& department : config.departments)
    for (const auto& one : department.specialists) running += one.backend.concurrency;
  constexpr std::size_t afterwards = 4096;
  return config.queue.total + std::min<std::size_t>(running, 65'536) + afterwards;
}

node_state::node_state(std::shared_ptr<const catalog> first, std::size_t spare_specialists,
                       std::uint64_t epoch, std::shared_ptr<const machine::clock> time)
    : clock{std::move(time)},
      events{clock},
      ledger{ledger_room(first->config), epoch},
      dispatching{ledger.capacity()},
      journal{3 * ledger.capacity()},
      ending{{clock, catalogs, pools, ledger, gauge, ends, journal, waiters}} {
  const auto specialists = first->members.size() + spare_specialists;
  const auto departments = first->departments.size() + (spare_specialists == 0 ? 0 : 64);
  for (auto& one : pools) {
    one.specialists.make_room(specialists);
    one.departments.make_room(departments);
  }
  static_cast<void>(replace_catalog(std::move(first)));
}

node_state::~node_state() { forget_tasks(); }

void node_state::forget_tasks() {
  for (auto& one : pools) {
    for (auto& record : one.specialists) {
      record.abandon();
      record.actor = nullptr;
      record.port.attach({});
    }
    for (auto& record : one.departments) {
      record.port.release_tasks();
      record.port.attach({});
    }
  }
  dispatching.returned.release_tasks();
  dispatching.returned.attach({});
  dispatching.door.attach({});
  journal.notes.attach({});
  ledger.for_each([](const task_ptr& job) { machine::task_ledger::let_go(*job); });
  while (dispatching.door.drain([](task* job) { task_ptr::adopt(job); }) > 0) {
  }
  journal.notes.drain([](const journal_note& one) { task_ptr::adopt(one.job); });
  for (const auto& one : std::exchange(journal.pending, {})) task_ptr::adopt(one.job);
  dispatching.pending.clear();
  waiters.clear();
}

bool node_state::replace_catalog(std::shared_ptr<const catalog> next) {
  for (const auto& one : pools)
    if (next->members.size() > one.specialists.room()
        || next->departments.size() > one.departments.room())
      return false;
  for (auto& one : pools) {
    one.specialists.grow(next->members.size());
    one.departments.grow(next->departments.size());
  }
  events.keep(next->config.limits.event_log_bytes);
  // No thread knows a number that is used again, and the new specialist was not announced yet.
  for (std::size_t who = 0; who < next->members.size(); ++who)
    if (next->born[who] == next->generation)
      for (auto& one : pools) one.specialists[who].begin_anew();
  catalogs.replace(std::move(next));
  return true;
}

std::vector<std::uint32_t> node_state::vacant() const {
  const auto catalog = catalogs.shared();
  const auto held = catalogs.held_generations();
  std::vector<bool> has_tasks(catalog->members.size());
  ledger.for_each([&](const task_ptr& job) {
    has_tasks[job->specialist.load(std::memory_order_relaxed)] = true;
    const auto key = job->counted.load(std::memory_order_relaxed);
    if (key != task::uncounted) has_tasks[task::specialist_of(key)] = true;
  });
  const auto at_rest = [&](std::uint32_t who) {
    return std::ranges::all_of(pools, [&](const pool_record& pool) {
      const auto& record = pool.specialists[who];
      return record.gauge.depth() == 0 && record.definition.load() == 0
             && (!pool.open
                 || record.vacant_since.load(std::memory_order_acquire) == catalog->left[who]);
    });
  };
  std::vector<std::uint32_t> result;
  for (std::uint32_t who = 0; who < catalog->members.size(); ++who) {
    if (!catalog->members[who].gone || has_tasks[who] || !at_rest(who)) continue;
    const bool known = std::ranges::any_of(held, [&](std::uint32_t generation) {
      return generation >= catalog->born[who] && generation < catalog->left[who];
    });
    if (!known) result.push_back(who);
  }
  return result;
}

}  // namespace greenroom::actors
