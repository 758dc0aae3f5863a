// A department's supervision: who takes over from a predecessor, and what becomes of the tasks of a
// specialist whose actor was lost.
#include "actors/tasks/department.hpp"

#include "actors/state/text.hpp"
#include "actors/tasks/specialist.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::slot_news, protocols::task_phase, protocols::task_location;
using protocols::task_ptr, protocols::task_state;

void department::adopt_catalog() {
  const auto& playing = parts_.catalogs.now();
  generation_ = playing.generation;
  const auto& department_members = playing.department_members[index_];
  for (auto place = entries_.size(); place < department_members.size(); ++place) {
    auto& one = entries_.emplace_back();
    one.index = department_members[place];
    one.defined = playing.definitions[one.index];
    one.lease = first_lease_;
  }
  for (auto& one : entries_) begin_anew(one);
  if (!open_) return;
  for (auto& one : entries_)
    if (one.at_once != nullptr && parts_.workers.inline_callable(member_of(one)) == nullptr) {
      // It was a callable and is something else now: it needs an actor like everybody.
      if (one.now == worker_state::warm) rest_cold(one);
      one.at_once = nullptr;
      one.hired = false;
      stop_asking(one);
    }
  for (std::uint32_t place = 0; place < entries_.size(); ++place) {
    auto& one = entries_[place];
    if (!one.hired && !member_of(one).gone && record_of(one).actor == nullptr) {
      hire(place);
      pump(one);
    }
    // It may be another command now, or what it lacked may be there: its operator
    // need not wait for the circuit.
    if (!one.breaker.is_closed()) judge(one, true);
    const auto definition = playing.definitions[one.index];
    if (std::exchange(one.defined, definition) != definition) {
      // What failed was another worker than the next one.
      one.breaker.success();
      record_of(one).last_error.write([](std::string& text) { text.clear(); });
      record_of(one).failed_starts.store(0, std::memory_order_relaxed);
    }
    if (std::exchange(one.given_up, false)) {
      one.failed_starts = 0;
      one.not_before_ns = 0;
      if (one.now == worker_state::cold) {
        show(one, worker_state::cold);
        tell_state(one);
      }
    }
    if (member_of(one).gone) {
      fail_waiting(one, failure::no_such_specialist, "taken out of the configuration");
      if (one.at_once != nullptr)
        recall({one.index, static_cast<std::uint8_t>(runtime::reason::by_hand)});
    }
    renew(one);
    // From here on nothing comes of it: what arrives for it ends at once.
    if (playing.members[one.index].gone && one.now == worker_state::cold && one.line.empty()
        && one.pending.empty() && std::ranges::none_of(retries_, [&](const retry& later) {
             return later.job->specialist == one.index;
           }))
      record_of(one).vacant_since.store(playing.left[one.index], std::memory_order_release);
  }
}

// Its number may have another name than when it was looked at last.
void department::begin_anew(entry& one) {
  const auto born = parts_.catalogs.now().born[one.index];
  if (std::exchange(one.born, born) == born) return;
  one.breaker = {};
  one.restarts = {};
  one.failed_starts = 0;
  one.not_before_ns = one.wanted_since_ns = one.drop_sent_ns = one.listable_ns = 0;
  one.listable = one.unlisted = 0;
  stop_asking(one);
  if (one.at_once == nullptr) return;
  if (const auto* fresh = parts_.workers.inline_callable(member_of(one)); fresh != nullptr)
    one.at_once = fresh;
}

// What runs finishes on the old definition; a start under way with it would be for nothing.
void department::renew(entry& one) {
  if (!one.hired || !actor_of(one)
      || !parts_.pools.runs_old_definition(parts_.catalogs.now(), pool_, one.index))
    return;
  if (one.now == worker_state::warm) {
    one.outdated = true;
    pump(one);
  } else if (one.now == worker_state::warming) {
    replace_worker(one);
  }
}

// Specialists of a predecessor die with it, but not at the same instant; until the last of them is
// dead it could still touch a task.
void department::await_predecessors() {
  set_down_handler([this](const caf::down_msg&) {
    if (--awaited_ == 0) recover();
  });
  for (auto& one : entries_) {
    auto& before = record_of(one).actor;
    if (before == nullptr) continue;
    ++awaited_;
    monitor(before);
    dismiss(before);
  }
  if (awaited_ == 0) recover();
}

// Everything that was in a predecessor's hands and has not ended is found in the ledger.
void department::recover() {
  open_ = true;
  for (auto& one : entries_) {
    record_of(one).abandon();
    record_of(one).actor = nullptr;
    stop_asking(one);
    // Before anything is asked of the director, who may think that they are still warm.
    tell_director(one, slot_news::kind::released);
  }
  record_.port.take_over();
  drain();
  std::vector<task_ptr> found;
  parts_.ledger.for_each([&](task_ptr job) {
    if (job->location.load(std::memory_order_acquire) == task_location::department
        && job->pool == pool_ && job->department == index_ && job->holder != incarnation_
        && !job->claimed.load(std::memory_order_acquire))
      found.push_back(std::move(job));
  });
  std::ranges::sort(found, {}, [](const task_ptr& job) { return job->accepted_ns; });
  for (auto& job : found) {
    auto& one = entry_of(job->specialist);
    job->holder = incarnation_;
    if (job->state.load() == task_state::running) {
      job->result = {failure::worker_failed, true, "the department was lost while it ran"};
      decide_retry(one, std::move(job));
    } else {
      job->phase = task_phase::wanted;
      one.line.push_back(std::move(job));
    }
  }
  for (std::uint32_t place = 0; place < entries_.size(); ++place) {
    if (!member_of(entries_[place]).gone) hire(place);
    mark(entries_[place]);
    pump(entries_[place]);
  }
}

void department::hire(std::uint32_t place) {
  auto& one = entries_[place];
  one.hired = true;
  one.at_once = parts_.workers.inline_callable(member_of(one));
  if (one.at_once != nullptr) return;
  auto& record = record_of(one);
  record.actor = spawn<specialist, caf::linked + caf::lazy_init>(
      parts_.specialists, one.index, pool_, caf::actor_cast<caf::actor>(this));
}

void department::lose(const caf::actor_addr& who, const caf::error& reason) {
  for (std::uint32_t place = 0; place < entries_.size(); ++place) {
    const auto& one = entries_[place];
    if (one.hired && actor_of(one) && actor_of(one).address() == who) {
      lost(place, reason);
      return;
    }
  }
  quit(reason ? reason : caf::error{caf::exit_reason::user_shutdown});
}

void department::lost(std::uint32_t place, const caf::error& reason) {
  // What it gave back before it died is looked at first; after that its list is exact. A task for
  // somebody new may be there too, and the entries may move.
  record_.port.take_over();
  drain();
  auto& one = entries_[place];
  auto& record = record_of(one);
  record.abandon();
  record.actor = nullptr;
  one.hired = false;
  stop_asking(one);
  one.outdated = one.replacing = false;
  enter(one, worker_state::cold);
  machine::count(record_.gauge.actor_restarts);
  parts_.events.publish("actor.lost", json_object{{"specialist", member_of(one).config.name}});
  tell_state(one);
  if (one.given_up) show(one, worker_state::failed);
  for (auto& job : std::exchange(one.pending, {})) {
    one.breaker.forget();
    if (job->location.load() == task_location::journal) continue;  // It comes back from there.
    if (job->claimed.load(std::memory_order_acquire)) continue;
    if (job->state.load() == task_state::running) {
      job->result = {failure::worker_failed, true, "the specialist's actor was lost"};
      decide_retry(one, std::move(job));
    } else {
      job->phase = task_phase::wanted;
      one.line.push_front(std::move(job));
    }
  }
  const auto limits = [&] {
    const auto& departments = parts_.catalogs.now().config.departments;
    const auto& mine = parts_.catalogs.now().departments[index_];
    const auto found = std::ranges::find(departments, mine, &config::department::name);
    return found == departments.end() ? config::restart{} : found->restart;
  }();
  const auto strategy = limits.strategy;
  const auto delay = one.restarts.next_restart(
      {limits.intensity, limits.window, parts_.catalogs.now().config.supervision.delay},
      clock().now());
  // A department that cannot keep its people alive gives up: its pool builds a new one.
  if (!delay || strategy == config::restart_strategy::one_for_all) {
    quit(reason ? reason : caf::error{caf::exit_reason::unhandled_exception});
    return;
  }
  delayed_send(this, *delay, protocols::hire_atom::value, place);
  if (strategy == config::restart_strategy::rest_for_one)
    for (auto later = place + 1; later < entries_.size(); ++later)
      if (entries_[later].hired && actor_of(entries_[later])) dismiss(actor_of(entries_[later]));
}

}  // namespace greenroom::actors
