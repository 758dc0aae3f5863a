// A department's slots: what it tells its director, and what it makes of grants, recalls and the
// news of its workers.
#include "actors/tasks/department.hpp"

#include "actors/state/text.hpp"
#include "protocols/plain_text.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::slot_grant, protocols::slot_news, protocols::slot_recall;
using protocols::worker_news;

namespace {

constexpr std::int64_t flush_period_ns = 50'000'000;
constexpr std::int64_t moments = 5;  // Of a period, so that not all report at once.
// As often a department says again what it needs.
constexpr std::chrono::milliseconds ask_period{250};
// A worker that dies sooner, and has had no task, has not really started.
constexpr std::int64_t proven_ns = 60'000'000'000;
// So much longer than its own limits a worker may take to start or to stop.
constexpr std::chrono::seconds stuck_after{10};
constexpr std::size_t last_error_bytes = 1024;

}  // namespace

void department::tell_director(entry& one, slot_news::kind what, std::int64_t load_ns) {
  send(director_, slot_news{one.index, what, load_ns / 1'000'000, one.lease});
}

void department::tell_state(entry& one) {
  using enum slot_news::kind;
  switch (one.now) {
    case worker_state::failed:
    case worker_state::cold: return tell_director(one, one.given_up ? failed : released);
    case worker_state::warming: return tell_director(one, warming);
    case worker_state::busy:
    case worker_state::warm:
      if (one.yielding) return tell_director(one, cooling);
      return tell_director(one, one.line.empty() && one.pending.empty() ? warm : kept);
    case worker_state::cooling: return tell_director(one, one.replacing ? warming : cooling);
  }
}

void department::enter(entry& one, worker_state next) {
  one.now = next;
  one.life_since_ns = now_ns();
  if (next == worker_state::warming) one.worked = false;
  if (next != worker_state::warm) one.yielding = false;
  if (next != worker_state::cold) stop_asking(one);
}

// -- what is asked of the director --------------------------------------------

void department::ask(entry& one) {
  one.asked = true;
  auto& since_ns = record_of(one).slot_wanted_since_ns;
  if (since_ns.load(std::memory_order_relaxed) == 0)
    since_ns.store(now_ns(), std::memory_order_relaxed);
  if (!batch_.arrivals.empty()) {
    // The director should know why before it decides whose place this one takes.
    protocols::usage_batch first;
    first.department = index_;
    std::swap(first.arrivals, batch_.arrivals);
    send(director_, std::move(first));
  }
  send(director_, protocols::slot_need{one.index, one.lease});
  if (!std::exchange(ask_armed_, true))
    delayed_send(this, ask_period, protocols::again_atom::value);
}

// Whatever became of what was asked before: the director may have forgotten it, or another director
// may have come.
void department::ask_again() {
  ask_armed_ = false;
  for (auto& one : entries_) {
    if (!std::exchange(one.asked, false)) continue;
    pump(one);
    if (!one.asked) stop_asking(one);
  }
}

void department::stop_asking(entry& one) {
  one.asked = false;
  record_of(one).slot_wanted_since_ns.store(0, std::memory_order_relaxed);
}

bool department::may_list(entry& one, std::int64_t at_ns) {
  const auto every_ns = one.unlisted < many_unlisted ? arrival_every_ns : arrival_of_many_every_ns;
  const auto more = (at_ns - one.listable_ns) / every_ns;
  if (more > 0) {
    one.listable =
        static_cast<std::uint32_t>(std::min<std::int64_t>(one.listable + more, arrivals_at_once));
    one.listable_ns = at_ns;
  }
  if (one.listable == 0) {
    ++one.unlisted;
    return false;
  }
  --one.listable;
  one.unlisted = 0;
  return true;
}

void department::mark(entry& one) {
  if (!std::exchange(one.dirty, true))
    dirty_.push_back(static_cast<std::uint32_t>(&one - entries_.data()));
  if (std::exchange(flush_armed_, true)) return;
  const auto now = now_ns();
  const auto own_ns = static_cast<std::int64_t>(index_) % moments * (flush_period_ns / moments);
  const auto due_ns = now + flush_period_ns - (now - own_ns) % flush_period_ns;
  record_.wake_at_ns.store(due_ns, std::memory_order_seq_cst);
  if (parts_.dispatching.ticking.load(std::memory_order_seq_cst)) return;
  record_.wake_at_ns.store(0, std::memory_order_relaxed);
  delayed_send(this, std::chrono::nanoseconds{due_ns - now}, protocols::report_atom::value);
}

void department::flush() {
  flush_armed_ = false;
  for (const auto place : dirty_) {
    auto& one = entries_[place];
    one.dirty = false;
    const auto tasks = static_cast<std::uint32_t>(one.line.size() + one.pending.size());
    batch_.changed.push_back(
        {one.index, tasks, tasks > 0 ? 0 : parts_.clock.unix_us(one.idle_since_ns)});
  }
  dirty_.clear();
  protocols::usage_batch full;
  full.department = index_;
  std::swap(full, batch_);
  send(director_, std::move(full));
}

void department::grant(const slot_grant& slot) {
  auto& one = entry_of(slot.specialist);
  if (slot.lease != 0 && slot.lease <= one.lease) return tell_state(one);  // It was heard before.
  one.lease = std::max(one.lease, slot.lease);
  using runtime::reason;
  const auto why = static_cast<reason>(slot.why);
  if (why == reason::by_hand && std::exchange(one.given_up, false)) one.failed_starts = 0;
  const bool useless = why == reason::demand && one.line.empty();
  const bool unwanted = one.given_up && why != reason::demand && why != reason::pinned;
  if (one.now == worker_state::cold) stop_asking(one);
  if (one.now != worker_state::cold || !one.hired || useless || unwanted
      || one.not_before_ns > now_ns() || member_of(one).gone || parts_.gauge.closing) {
    tell_state(one);
    pump(one);
    return;
  }
  tell_director(one, slot_news::kind::warming);
  if (one.at_once != nullptr) {
    machine::count(record_of(one).gauge.starts);
    show(one, worker_state::warm);
    became_warm(one, 0);
    return;
  }
  enter(one, worker_state::warming);
  send(actor_of(one), protocols::warm_up_atom::value);
}

void department::recall(const slot_recall& slot) {
  auto& one = entry_of(slot.specialist);
  if (std::exchange(one.replacing, false)) {
    // Its worker is going already; none follows it then, unless a task asks for one.
    tell_director(one, slot_news::kind::cooling);
    return;
  }
  const bool in_use = !one.line.empty() || !one.pending.empty();
  if (one.now == worker_state::warm && in_use && slot.turn && one.at_once == nullptr) {
    one.yielding = true;
    send(actor_of(one), protocols::switch_atom::value, false);  // What it holds ahead comes back.
    tell_state(one);
    pump(one);
    return;
  }
  if (one.now != worker_state::warm || in_use) {
    tell_state(one);
    return;
  }
  if (one.at_once != nullptr) {
    rest_cold(one);
    return;
  }
  cool_down(one);
}

void department::cool_down(entry& one) {
  enter(one, worker_state::cooling);
  tell_director(one, slot_news::kind::cooling);
  send(actor_of(one), protocols::cool_atom::value);
}

void department::replace_worker(entry& one) {
  one.outdated = false;
  const bool again = !member_of(one).gone && !parts_.gauge.closing && !leaving();
  one.replacing = again;
  enter(one, worker_state::cooling);
  // To the director it is one that starts: it keeps its slot, and is not evicted meanwhile.
  tell_director(one, again ? slot_news::kind::warming : slot_news::kind::cooling);
  send(actor_of(one), protocols::cool_atom::value);
}

void department::allow_start(protocols::task& job) {
  if (!job.start_beside.load(std::memory_order_relaxed)) return;
  job.start_beside.store(false, std::memory_order_relaxed);
  const auto& who = parts_.catalogs.now().members[job.specialist.load(std::memory_order_relaxed)];
  job.deadline_ns.fetch_add(std::chrono::nanoseconds{who.config.backend.start_timeout}.count(),
                            std::memory_order_relaxed);
}

// A callable has no worker that would have to end first.
void department::rest_cold(entry& one) {
  enter(one, worker_state::cold);
  show(one, worker_state::cold);
  tell_director(one, slot_news::kind::released);
  parts_.events.publish("specialist.cold", json_object{{"specialist", member_of(one).config.name}});
}

void department::became_warm(entry& one, std::int64_t start_ns) {
  enter(one, worker_state::warm);
  one.given_up = false;
  one.outdated = parts_.pools.runs_old_definition(parts_.catalogs.now(), pool_, one.index);
  record_of(one).failed_starts.store(0, std::memory_order_relaxed);
  one.wanted_since_ns = 0;
  one.idle_since_ns = now_ns();
  tell_director(one, slot_news::kind::warm, start_ns);
  parts_.events.publish("specialist.warm", json_object{{"specialist", member_of(one).config.name},
                                                       {"start_ms", start_ns / 1'000'000}});
  mark(one);
  pump(one);
}

bool department::keeps_slot(const entry& one) {
  const bool waited_for =
      !one.line.empty() || std::ranges::any_of(retries_, [&](const retry& later) {
        return later.job->specialist == one.index
               && !later.job->claimed.load(std::memory_order_acquire);
      });
  return waited_for && !parts_.gauge.closing && one.hired && actor_of(one) && !member_of(one).gone
         && !leaving() && !one.yielding && one.breaker.is_closed();
}

void department::hear(const worker_news& news) {
  auto& one = entry_of(news.specialist);
  const auto& who = member_of(one);
  if (news.what == worker_news::kind::ready) {
    if (one.now == worker_state::warming) became_warm(one, news.start_ns);
    return;
  }
  if (!news.asked) {
    record_of(one).last_error.write(
        [&](std::string& text) { text = protocols::clipped(news.why, last_error_bytes); });
    if (news.before_ready) ++record_of(one).failed_starts;
  }
  const bool hopeless = !news.asked && note_death(one, news);
  one.line.for_each([this](protocols::task& job) { allow_start(job); });
  if (std::exchange(one.replacing, false) && !hopeless && one.hired && actor_of(one) && !who.gone
      && !parts_.gauge.closing && !leaving()) {
    parts_.events.publish("worker.replaced", json_object{{"specialist", who.config.name}});
    enter(one, worker_state::warming);
    tell_director(one, slot_news::kind::warming);
    send(actor_of(one), protocols::warm_up_atom::value);
    mark(one);
    return;
  }
  const bool at_once = !news.asked && !news.before_ready && one.failed_starts <= 1;
  if (at_once && keeps_slot(one)) {
    // A slot is a task's own from when it waits until it is done, also when its worker dies.
    parts_.events.publish("worker.died",
                          json_object{{"specialist", who.config.name}, {"why", news.why}});
    enter(one, worker_state::warming);
    tell_director(one, slot_news::kind::warming);
    send(actor_of(one), protocols::warm_up_atom::value);
    mark(one);
    return;
  }
  enter(one, worker_state::cold);
  if (!news.asked)
    parts_.events.publish(news.before_ready ? "worker.start_failed" : "worker.died",
                          json_object{{"specialist", who.config.name}, {"why", news.why}});
  else
    parts_.events.publish("specialist.cold", json_object{{"specialist", who.config.name}});
  one.given_up = one.given_up || hopeless;
  if (one.given_up) show(one, worker_state::failed);
  tell_state(one);
  if (hopeless)
    fail_waiting(one, failure::start_failed,
                 "the worker of " + who.config.name + " could not be started: " + news.why);
  mark(one);
  pump(one);
}

// One that has done something, or was there for long, is replaced at once. One that dies before it
// is of any use is tried so many times, and then not before somebody asks for it.
bool department::note_death(entry& one, const worker_news& news) {
  const bool useful =
      !news.before_ready
      && (one.worked || !one.pending.empty() || now_ns() - one.life_since_ns >= proven_ns);
  if (useful) {
    one.failed_starts = 0;
    return false;
  }
  const auto& limits = parts_.catalogs.now().config.retry;
  ++one.failed_starts;
  if (news.before_ready) judge(one, false);
  if (news.before_ready || one.failed_starts > 1)
    one.not_before_ns = now_ns()
                        + runtime::backoff{limits.base, limits.max, limits.jitter}
                              .delay(one.failed_starts, chance())
                              .count();
  return one.failed_starts >= limits.max_attempts;
}

// Every worker is given a time to start and to stop, and its specialist sees to it. Should that
// fail, the slot would be lost: then the specialist is replaced, and its worker ended with it.
void department::end_stuck_workers() {
  const auto now = now_ns();
  for (auto& one : entries_) {
    if (!one.hired || !actor_of(one)) continue;
    if (one.now != worker_state::warming && one.now != worker_state::cooling) continue;
    const auto& backend = member_of(one).config.backend;
    std::chrono::nanoseconds limit = backend.stop_timeout + stuck_after;
    if (one.now == worker_state::warming) limit += backend.start_timeout;
    if (now - one.life_since_ns < limit.count()) continue;
    one.life_since_ns = now;  // It takes a moment, and is done once.
    parts_.events.publish(
        "worker.stuck",
        json_object{{"specialist", member_of(one).config.name},
                    {"state", one.now == worker_state::warming ? "warming" : "cooling"}});
    dismiss(actor_of(one));
  }
}

}  // namespace greenroom::actors
