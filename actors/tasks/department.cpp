#include "actors/tasks/department.hpp"

#include "actors/mailbox/worker_link.hpp"
#include "actors/state/text.hpp"
#include "protocols/plain_text.hpp"
#include "runtime/machine/worker/function_worker.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace greenroom::actors {

using protocols::failure, protocols::side_effects, protocols::slot_grant, protocols::slot_news;
using protocols::slot_recall, protocols::task, protocols::task_phase, protocols::task_location;
using protocols::task_ptr, protocols::task_state, protocols::worker_news;
using runtime::breaker;

namespace {

constexpr std::chrono::milliseconds upkeep_period{10};
constexpr std::int64_t drop_period_ns = 250'000'000;
// What a worker asks for beyond that is not a pause but an end; nobody waits for it.
constexpr std::int64_t rest_ms_max = 3'600'000;

std::atomic<std::uint32_t> incarnations{0};

breaker::time_point at(std::int64_t steady_ns) {
  return breaker::time_point{std::chrono::nanoseconds{steady_ns}};
}

}  // namespace

department::department(caf::actor_config& cfg, const department_parts& parts, std::uint32_t index,
                       protocols::pool_kind pool, caf::actor director)
    : draining_actor{cfg},
      parts_{parts},
      index_{index},
      pool_{pool},
      director_{std::move(director)},
      record_{parts.pools.of(pool).departments[index]},
      random_{parts.seed * 2654435761U + std::uint64_t{index} * 2
              + static_cast<std::uint64_t>(pool)},
      incarnation_{++incarnations},
      first_lease_{parts.pools.of(pool).leases.load(std::memory_order_relaxed)} {
  batch_.department = index;
}

breaker::settings department::breaker_limits() const {
  const auto& from = parts_.catalogs.now().config.breaker;
  return {.failures = from.failures, .open = from.open, .probes = from.half_open_probes};
}

department::entry& department::entry_of(std::uint32_t specialist) {
  // A task may come sooner than the message that says that the cast has changed: its number may be
  // new, or have meant somebody else until now.
  if (parts_.catalogs.now().generation != generation_) adopt_catalog();
  return entries_[parts_.catalogs.now().members[specialist].place];
}

// -- tasks --------------------------------------------------------------------

void department::drain() {
  if (!open_) return;  // Predecessors may still hold tasks; `recover` looks into the port.
  moment_ns_ = now_ns();
  do {
    for (auto* next = record_.port.take(); next != nullptr;) {
      auto* after = next->next.load(std::memory_order_relaxed);
      auto job = task_ptr::adopt(next);
      switch (job->phase) {
        case task_phase::wanted: arrive(std::move(job)); break;
        case task_phase::attempted: attempt_over(std::move(job)); break;
        case task_phase::over: let_go(std::move(job)); break;
        case task_phase::returned: {
          // When its specialist has stopped the worker by itself, it is not warm until it says so
          // again. It may also be up, and have been told to give back what it held ahead.
          auto& one = entry_of(job->specialist);
          const auto shown = record_of(one).gauge.state.load(std::memory_order_relaxed);
          const bool up = shown == worker_state::warm || shown == worker_state::busy;
          if (job->holder == incarnation_ && one.now == worker_state::warm && !up) {
            enter(one, worker_state::cooling);
            tell_director(one, slot_news::kind::cooling);
          }
          returned(std::move(job));
          break;
        }
        case task_phase::committed: committed(std::move(job)); break;
      }
      next = after;
    }
    if ((record_.port.take_signals() & department_record::due_bit) != 0) flush();
  } while (!record_.port.try_sleep());
}

void department::arrive(task_ptr job) {
  job->holder = incarnation_;
  job->location.store(task_location::department, std::memory_order_release);
  if (job->claimed.load(std::memory_order_acquire)) return;
  if (leaving()) {
    hand_over(std::move(job));
    return;
  }
  auto& one = entry_of(job->specialist);
  auto& record = record_of(one);
  auto& pool = parts_.pools.of(pool_);
  if (one.now == worker_state::warm && !one.outdated) {
    if (job->judged) {
      machine::count(record.gauge.warm_hits);
      machine::count(pool.gauge.warm_hits);
    }
  } else {
    job->cold_start = true;
    allow_start(*job);
    if (job->judged) {
      machine::count(record.gauge.cold_starts);
      machine::count(pool.gauge.cold_starts);
    }
    if (one.wanted_since_ns == 0) one.wanted_since_ns = now_ns();
  }
  if (job->observed) {
    if (batch_.arrivals.size() < arrivals_max && may_list(one, job->accepted_ns)) {
      batch_.arrivals.push_back({one.index, job->case_key, parts_.clock.unix_us(job->accepted_ns)});
    } else {
      ++batch_.lost;
    }
  }
  mark(one);
  if (one.at_once != nullptr && one.now == worker_state::warm && one.line.empty()
      && one.pending.empty() && one.breaker.is_closed()) {
    hand(one, std::move(job));
    return;
  }
  one.line.push_back(std::move(job));
  pump(one);
}

void department::pump(entry& one) {
  if (!one.breaker.is_closed()) {
    // A probe that ended where nobody counted it is over, too.
    one.breaker.under_way(one.pending.size());
    relieve(one);
  }
  if (one.now == worker_state::warm && (one.yielding || one.outdated)) {
    if (!one.pending.empty()) return;
    if (one.yielding)
      cool_down(one);
    else
      replace_worker(one);
    return;
  }
  if (one.line.empty()) {
    one.wanted_since_ns = 0;
    // The director forgets a need that nobody has any more: who comes next asks anew.
    if (one.asked) stop_asking(one);
    return;
  }
  const auto& who = member_of(one);
  if (who.gone) {
    fail_waiting(one, failure::no_such_specialist, "taken out of the configuration");
    stop_asking(one);
    return;
  }
  if (one.now == worker_state::warm) {
    if (one.at_once != nullptr) moment_ns_ = now_ns();  // What waited does not begin earlier.
    const auto limits = breaker_limits();
    while (one.pending.size() < who.pending && !one.line.empty()) {
      if (one.breaker.now_is(limits, at(0)) != breaker::state::closed
          && !one.breaker.admit(limits, at(now_ns()))) {
        arm();
        return;
      }
      auto job = one.line.pop();
      if (job->claimed.load(std::memory_order_acquire))
        one.breaker.forget();
      else
        hand(one, std::move(job));
    }
    return;
  }
  // Without an actor nothing can be started; the one who hires it looks here again.
  if (one.now != worker_state::cold || one.asked || !one.hired || parts_.gauge.closing) return;
  const auto limits = breaker_limits();
  const auto now = now_ns();
  if (one.not_before_ns > now || one.breaker.now_is(limits, at(now)) == breaker::state::open) {
    arm();
    return;
  }
  if (std::exchange(one.given_up, false)) one.failed_starts = 0;  // Asked for again.
  ask(one);
}

void department::hand(entry& one, task_ptr job) {
  if (job->effects == side_effects::unsafe && job->journaled && !job->start_noted) {
    // Should the node die while it runs, it must not run again: that is written down first.
    job->start_noted = true;
    job->hand = static_cast<std::uint32_t>(one.pending.size());
    one.pending.push_back(job);
    job->location.store(task_location::journal, std::memory_order_release);
    parts_.ending.note(*job, journal_note::kind::started, context());
    return;
  }
  if (job->cold_start && job->start_wait_ns == 0 && job->attempts == 0)
    job->start_wait_ns = std::max<std::int64_t>(now_ns() - job->accepted_ns, 1);
  if (one.at_once != nullptr) {
    run_here(one, std::move(job));
    return;
  }
  job->hand = static_cast<std::uint32_t>(one.pending.size());
  job->phase = task_phase::wanted;
  one.worked = true;
  one.pending.push_back(job);
  record_of(one).port.push(std::move(job), context());
}

// What is short and never blocks is done by the time it could have been handed to an actor.
void department::run_here(entry& one, task_ptr job) {
  auto& gauge = record_of(one).gauge;
  job->dispatched_ns = std::max(moment_ns_, job->accepted_ns);
  ++job->attempts;
  auto expected = task_state::queued;
  job->state.compare_exchange_strong(expected, task_state::running, std::memory_order_acq_rel);
  const auto& limits = parts_.catalogs.now().config.limits;
  auto result = machine::call_now(*one.at_once, *job, limits.output_bytes);
  worker_link::bound(result, {limits.output_bytes, limits.error_bytes});
  const auto state = result.why == failure::none ? task_state::completed : task_state::failed;
  moment_ns_ = parts_.ending.conclude(*job, state, result.why, std::move(result.output), context())
                   ? job->ended_ns
                   : now_ns();
  gauge.learn_run(std::max<std::int64_t>(moment_ns_ - job->dispatched_ns, 1));
  judge(one, true);
  one.idle_since_ns = moment_ns_;
}

void department::committed(task_ptr job) {
  job->location.store(task_location::department, std::memory_order_release);
  auto& one = entry_of(job->specialist);
  const bool mine = take_back(one, *job);
  if (mine && one.now == worker_state::warm && !job->claimed.load(std::memory_order_acquire)) {
    hand(one, std::move(job));
    return;
  }
  if (mine) one.breaker.forget();
  returned(std::move(job));
}

bool department::take_back(entry& one, task& job) {
  const auto place = job.hand;
  if (job.holder != incarnation_ || place >= one.pending.size() || one.pending[place].get() != &job)
    return false;
  one.pending.back()->hand = place;
  std::swap(one.pending[place], one.pending.back());
  one.pending.pop_back();
  return true;
}

// A model server that is asked too much is well: it says how long to leave it alone, and the
// retries obey.
static bool is_turned_away(const protocols::attempt_result& result) {
  constexpr int too_many_requests = 429;
  return result.upstream && result.upstream->error_status == too_many_requests;
}

void department::let_go(task_ptr job) {
  auto& one = entry_of(job->specialist);
  if (!take_back(one, *job)) return;
  if (job->why == failure::none || job->why == failure::refused) {
    one.failed_starts = 0;
    judge(one, true);
  } else if (job->why == failure::out_of_time && job->attempts > 0)
    judge(one, false, !is_hurried(*job));
  else if (job->why == failure::worker_failed && !is_turned_away(job->result)
           && (job->result.upstream || !job->result.answered))
    judge(one, false);  // In the middle of a stream, so that it could not be tried again.
  else
    one.breaker.forget();
  // Whoever ended it has looked at the clock, unless its end was told while the worker went on.
  rest(one, job->why == failure::none ? job->ended_ns : now_ns());
  pump(one);
}

void department::returned(task_ptr job) {
  auto& one = entry_of(job->specialist);
  if (take_back(one, *job)) one.breaker.forget();
  job->holder = incarnation_;
  if (leaving()) {
    hand_over(std::move(job));
  } else if (!job->claimed.load(std::memory_order_acquire)) {
    job->phase = task_phase::wanted;
    if (one.now != worker_state::warm) {
      allow_start(*job);
      if (one.wanted_since_ns == 0) one.wanted_since_ns = now_ns();
    }
    one.line.push_front(std::move(job));
  }
  rest(one, now_ns());
  pump(one);
}

void department::attempt_over(task_ptr job) {
  auto& one = entry_of(job->specialist);
  take_back(one, *job);
  job->holder = incarnation_;
  if (job->claimed.load(std::memory_order_acquire)) {
    if (job->why == failure::out_of_time)
      judge(one, false, !is_hurried(*job));
    else
      one.breaker.forget();
  } else {
    // An input that kills its worker at each try is one failure, not several.
    if (!is_turned_away(job->result) && (job->attempts <= 1 || !one.breaker.is_closed()))
      judge(one, false);
    else
      one.breaker.forget();
    decide_retry(one, std::move(job));
  }
  rest(one, now_ns());
  pump(one);
}

// For whoever has to say later why the task took so long.
static void remember(task& job, const std::string& why) {
  const auto* before = job.failures.load(std::memory_order_relaxed);
  // Of each of a task's attempts, and of every task that is in.
  constexpr std::size_t why_bytes = 1024;
  job.failures.store(
      new protocols::failed_attempt{job.attempts, protocols::clipped(why, why_bytes), before},
      std::memory_order_release);
}

// The caller is told more than an event keeps.
constexpr std::size_t event_why_bytes = 2048;

void department::decide_retry(entry& one, task_ptr job) {
  const auto& config = parts_.catalogs.now().config;
  const auto message = job->result.output;
  remember(*job, message);
  if (job->effects == side_effects::unsafe) {
    const auto known = job->result.answered;
    parts_.ending.conclude(*job, known ? task_state::failed : task_state::unknown,
                           known ? failure::worker_failed : failure::unknown_end,
                           message
                               + (known ? ", and it is not safe to try again"
                                        : ", and what it was doing is not safe to do twice"),
                           context(),
                           known ? std::min(job->result.retry_after_ms, rest_ms_max) : 0);
    return;
  }
  if (leaving()) {
    hand_over(std::move(job));
    return;
  }
  const runtime::backoff waits{config.retry.base, config.retry.max, config.retry.jitter};
  const auto rest_ms = std::min(job->result.retry_after_ms, rest_ms_max);
  const auto due =
      now_ns()
      + std::max<std::int64_t>(waits.delay(job->attempts, chance()).count(), rest_ms * 1'000'000);
  const bool used_up = job->attempts >= config.retry.max_attempts || due >= job->deadline_ns;
  const bool in_vain = one.breaker.room(breaker_limits(), at(now_ns())) == 0;
  // Another attempt as long as this one would not end in time.
  const bool too_slow = due + (now_ns() - job->dispatched_ns) >= job->deadline_ns;
  if ((used_up || in_vain || too_slow) && pass_on(one, job)) return;
  if (used_up) {
    parts_.events.publish("task.failed",
                          json_object{{"id", protocols::to_string(job->id)},
                                      {"specialist", member_of(one).config.name},
                                      {"why", protocols::clipped(message, event_why_bytes)}});
    parts_.ending.conclude(*job, task_state::failed, failure::worker_failed,
                           message + " (attempt " + std::to_string(job->attempts) + ")", context(),
                           rest_ms);
    return;
  }
  machine::count(record_of(one).gauge.retries);
  machine::count(parts_.pools.of(pool_).gauge.retries);
  auto running = task_state::running;
  job->state.compare_exchange_strong(running, task_state::queued);
  retries_.push_back({due, std::move(job)});
  arm();
}

void department::fail_waiting(entry& one, failure why, const std::string& message) {
  for (auto job = one.line.pop(); job; job = one.line.pop())
    if (why != failure::start_failed || !pass_on(one, job))
      parts_.ending.conclude(*job, task_state::failed, why, message, context());
  one.wanted_since_ns = 0;
}

bool department::is_hurried(const task& job) {
  return job.deadline_ns.load(std::memory_order_relaxed) - job.accepted_ns
         < member_of(entry_of(job.specialist)).task_timeout_ns;
}

// The breaker's verdict on what was handed out.
void department::judge(entry& one, bool ok, bool own_fault) {
  if (ok) {
    one.breaker.success();
    if (std::exchange(one.circuit_shown, false)
        && record_of(one).gauge.open_until_ns.exchange(0, std::memory_order_relaxed) != 0) {
      parts_.events.publish("circuit.closed",
                            json_object{{"specialist", member_of(one).config.name}});
    }
    return;
  }
  const auto limits = breaker_limits();
  if (!one.breaker.failure(limits, at(now_ns()), own_fault)) return;
  one.circuit_shown = true;
  // Its fallback takes what it can; what stays waits as long as it was told to.
  std::erase_if(retries_, [&](retry& later) {
    return later.job->specialist == one.index && !later.job->claimed.load(std::memory_order_acquire)
           && pass_on(one, later.job);
  });
  record_of(one).gauge.open_until_ns.store(one.breaker.opens_until().time_since_epoch().count(),
                                           std::memory_order_relaxed);
  parts_.events.publish("circuit.open", json_object{{"specialist", member_of(one).config.name},
                                                    {"for_ms", limits.open.count() / 1'000'000}});
}

// The idle clock starts when the last task in flight ends.
void department::rest(entry& one, std::int64_t since_ns) {
  mark(one);
  if (one.pending.empty() && one.line.empty()) one.idle_since_ns = since_ns;
}

// -- time ---------------------------------------------------------------------

void department::arm() {
  if (std::exchange(armed_, true)) return;
  delayed_send(this, upkeep_period, protocols::tick_atom::value);
}

void department::tick() {
  armed_ = false;
  const auto now = now_ns();
  for (std::size_t i = 0; i < retries_.size();) {
    auto& one = retries_[i];
    const bool gone = one.job->claimed.load(std::memory_order_acquire);
    if (!gone && one.due_ns > now) {
      ++i;
      continue;
    }
    auto job = std::move(one.job);
    if (i + 1 != retries_.size()) retries_[i] = std::move(retries_.back());
    retries_.pop_back();
    if (gone) continue;
    if (leaving()) {
      hand_over(std::move(job));
      continue;
    }
    auto& mine = entry_of(job->specialist);
    job->phase = task_phase::wanted;
    if (mine.now != worker_state::warm) allow_start(*job);
    mine.line.push_front(std::move(job));
    pump(mine);
  }
  bool waiting = !retries_.empty();
  for (auto& one : entries_) {
    if (one.line.empty()) continue;
    pump(one);
    // Something other than news from elsewhere decides when it goes on: look again.
    waiting = waiting || (!one.line.empty() && !one.asked && one.now == worker_state::cold)
              || (one.now == worker_state::warm && one.pending.empty());
  }
  if (waiting) arm();
}

void department::purge(const protocols::purge& gone) {
  const auto now = now_ns();
  for (const auto specialist : gone.specialists) {
    auto& one = entry_of(specialist);
    one.line.erase_if([](const task& job) { return job.claimed.load(std::memory_order_acquire); });
    const bool working = std::ranges::any_of(one.pending, [](const task_ptr& job) {
      return job->claimed.load(std::memory_order_acquire);
    });
    if (working && one.hired && actor_of(one) && now - one.drop_sent_ns >= drop_period_ns) {
      one.drop_sent_ns = now;
      send(actor_of(one), protocols::drop_atom::value);
    }
    rest(one, now_ns());
    pump(one);
  }
}

// -- behaviour ----------------------------------------------------------------

caf::behavior department::make_behavior() {
  parts_.unexpected.watch(this);
  set_exit_handler([this](const caf::exit_msg& message) { lose(message.source, message.reason); });
  adopt_catalog();
  await_predecessors();
  record_.port.attach(caf::strong_actor_ptr{ctrl()});
  if (open_) {
    record_.port.take_over();
    drain();
  }
  return {
      [this](const slot_grant& slot) { grant(slot); },
      [this](const slot_recall& slot) { recall(slot); },
      [this](const worker_news& news) { hear(news); },
      [this](const protocols::purge& gone) { purge(gone); },
      [this](protocols::tick_atom) { tick(); },
      [this](protocols::again_atom) { ask_again(); },
      [this](protocols::report_atom) { flush(); },
      [this](protocols::report_atom, const caf::actor& director) {
        director_ = director;
        for (auto& one : entries_) {
          mark(one);
          tell_state(one);
        }
        flush();
        for (auto& one : entries_) {
          one.asked = false;
          pump(one);
          if (!one.asked) stop_asking(one);
        }
      },
      [this](protocols::hire_atom, std::uint32_t place) {
        if (!entries_[place].hired) hire(place);
        pump(entries_[place]);
      },
      [this](protocols::reload_atom) { adopt_catalog(); },
      [this](protocols::switch_atom, bool fence) { hand_over_all(fence); },
      [this](protocols::check_atom) {
        end_stuck_workers();
        for (auto& one : entries_)
          if (one.hired && actor_of(one) && one.now == worker_state::warm && one.pending.empty())
            send(actor_of(one), protocols::check_atom::value);
      },
  };
}

// A pending timer keeps the object alive, so it lets go of the tasks now.
void department::on_exit() {
  record_.port.attach({});
  entries_.clear();
  retries_.clear();
  director_ = nullptr;
}

}  // namespace greenroom::actors
