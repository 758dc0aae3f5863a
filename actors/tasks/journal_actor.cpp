#include "actors/tasks/journal_actor.hpp"

#include "actors/state/task_times.hpp"
#include "actors/state/text.hpp"
#include "runtime/machine/io/thread_urgency.hpp"
#include "runtime/machine/journal/request_hash.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using machine::journal_error, machine::record, machine::verdict;
using protocols::failure, protocols::task, protocols::task_phase;
using protocols::task_ptr, protocols::task_state;

namespace {

constexpr std::size_t batch_max = 1024;
// A transaction is copied before it is written, so it is bounded in bytes too. One record always
// goes in.
constexpr std::size_t batch_bytes_max = std::size_t{32} << 20;
constexpr std::size_t extra_max = 4096;  // State and events kept while the journal cannot write.
constexpr std::chrono::milliseconds retry_period{500};
constexpr std::chrono::seconds prune_period{30};
constexpr std::size_t prune_rows = 2000;
constexpr std::size_t prune_rows_early = 200;          // As few as it takes.
constexpr std::chrono::milliseconds look_period{500};  // At the places of the files.
constexpr std::size_t damages_told_max = 256;          // Of the same kind more say nothing new.

}  // namespace

machine::accept_record accept_record_of(const journal_parts& where, const task& job) {
  const auto& cast = where.catalogs.now();
  machine::accept_record result;
  result.id = job.id;
  result.specialist = cast.name_of(job.specialist);
  result.department = cast.department_of(job.specialist);
  result.urgency = job.urgency;
  result.effects = job.effects;
  result.input = job.input;
  result.case_id = job.case_id;
  result.idempotency_key = job.idempotency_key;
  if (!job.idempotency_key.empty()) {
    result.request_hash = machine::request_hash(where.journal.hash_key, job.addressed, job.input);
    result.former_hash = std::hash<std::string_view>{}(job.input) ^ job.addressed * 31;
  }
  result.accepted_unix_ms = job.accepted_unix_ms;
  result.deadline_unix_ms = job.accepted_unix_ms + (job.deadline_ns - job.accepted_ns) / 1'000'000;
  return result;
}

machine::end_record end_record_of(const journal_parts& where, const task& job) {
  machine::end_record result;
  result.id = job.id;
  result.state = job.end_state;
  result.why = job.why;
  result.output = job.output;
  result.cold_start = job.cold_start;
  result.attempts = job.attempts;
  result.pool = job.pool;
  result.ended_unix_ms = where.clock.unix_ms();
  tell_times(job, result);
  return result;
}

journal_actor::journal_actor(caf::actor_config& cfg, const journal_parts& parts,
                             journal_factory open)
    : draining_actor{cfg}, parts_{parts}, open_{std::move(open)} {}

void journal_actor::drain() {
  do {
    parts_.journal.notes.drain(
        [this](const journal_note& one) { parts_.journal.pending.push_back(one); });
    write();
    // While the journal cannot write, notes gather in the hands; a timer tries again.
    if (retry_armed_) break;
  } while (!parts_.journal.pending.empty() || !extra_.empty() || !parts_.journal.notes.try_sleep());
  if (retry_armed_) static_cast<void>(parts_.journal.notes.try_sleep());
}

void journal_actor::write() {
  auto& pending = parts_.journal.pending;
  while ((!pending.empty() || !extra_.empty()) && !retry_armed_) {
    std::vector<record> batch;
    const auto most = std::min(pending.size(), batch_max);
    batch.reserve(most + extra_.size());
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < most && bytes < batch_bytes_max; ++count) {
      const auto i = count;
      const auto& job = *pending[i].job;
      bytes += pending[i].what == journal_note::kind::ended ? job.output.size() : job.input.size();
      switch (pending[i].what) {
        case journal_note::kind::accepted: batch.emplace_back(accept_record_of(parts_, job)); break;
        case journal_note::kind::started:
          // It is told before the attempt begins, and counts: the node may die while it runs.
          batch.emplace_back(machine::start_record{job.id, job.attempts + 1});
          break;
        case journal_note::kind::ended: batch.emplace_back(end_record_of(parts_, job)); break;
      }
    }
    for (const auto& one : extra_) batch.push_back(one);
    if (!journal_) {
      auto opened = open_();
      if (auto* why = std::get_if<journal_error>(&opened)) {
        not_written(why->what);
        return;
      }
      journal_ = std::move(std::get<0>(opened));
    }
    const auto outcome = journal_->commit(batch);
    if (const auto* why = std::get_if<journal_error>(&outcome)) {
      not_written(why->what);
      return;
    }
    if (!parts_.gauge.journal_ok.exchange(true, std::memory_order_relaxed)) works_again();
    machine::count(parts_.gauge.journal_commits);
    machine::count(parts_.gauge.journal_records, batch.size());
    extra_.clear();
    for (const auto& [who, token] : std::exchange(told_, {}))
      send(who, protocols::written_atom::value, token);
    const auto& verdicts = std::get<0>(outcome);
    for (std::size_t i = 0; i < count; ++i) written(pending[i], verdicts[i]);
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

void journal_actor::written(const journal_note& one, const verdict& verdict) {
  auto job = task_ptr::adopt(one.job);
  switch (one.what) {
    case journal_note::kind::accepted: {
      auto who = job->who;
      if (verdict.what == verdict::kind::same_request) {
        parts_.ending.withdraw(*job);
        if (who) who->on_existing(verdict.existing);
        return;
      }
      if (verdict.what == verdict::kind::key_conflict) {
        job->journaled = false;
        parts_.ending.turn_away_conflict(
            *job, "the idempotency key " + job->idempotency_key
                      + " was used for another request before, which is task "
                      + protocols::to_string(verdict.existing));
        return;
      }
      job->recorded.store(true, std::memory_order_release);
      if (who) who->on_accepted(*job);
      parts_.dispatching.returned.push(std::move(job), context());
      return;
    }
    case journal_note::kind::started: {
      job->phase = task_phase::committed;
      auto& port = parts_.pools.of(job->pool).departments[job->department].port;
      port.push(std::move(job), context());
      return;
    }
    case journal_note::kind::ended:
      // One that was told before it could be written may be there by now; one of a task that the
      // journal has lost will never be.
      job->unwritten.store(verdict.what == verdict::kind::not_open
                               && !job->announced.load(std::memory_order_acquire),
                           std::memory_order_release);
      parts_.ending.announce(*job);
      return;
  }
}

// Nothing that is not written may be acknowledged; what has ended is told all the same, and stays
// in the hands until it can be written.
void journal_actor::not_written(const std::string& why) {
  if (parts_.gauge.journal_ok.exchange(false))
    parts_.events.publish("journal.failed", "{\"why\":" + json_text(why) + "}");
  parts_.journal.troubles.write([&](journal_inbox::trouble& state) { state.why_not = why; });
  std::vector<journal_note> kept;
  for (const auto& one : std::exchange(parts_.journal.pending, {})) {
    if (one.what == journal_note::kind::ended) {
      if (!one.job->announced.load(std::memory_order_acquire))
        one.job->unwritten.store(true, std::memory_order_release);
      parts_.ending.announce(*one.job);
      kept.push_back(one);
      continue;
    }
    auto job = task_ptr::adopt(one.job);
    // A task whose acceptance is written must not be sent again: it runs after the next start if
    // the node dies before its end is written.
    const bool accepted = one.what == journal_note::kind::started;
    job->journaled = accepted;
    if (!accepted) job->retry_after_ms = retry_period.count();
    parts_.ending.conclude(
        *job, task_state::failed, failure::journal_unavailable,
        (accepted ? "the task was accepted, but its start could not be written, so it was not "
                    "run; should the node die before it can write again, it runs after the "
                    "next start: ask for it by its id before you repeat it: "
                  : "the task could not be made durable: ")
            + why,
        context());
    if (accepted) {
      job->phase = task_phase::committed;
      auto& port = parts_.pools.of(job->pool).departments[job->department].port;
      port.push(std::move(job), context());
    }
  }
  parts_.journal.pending = std::move(kept);
  // Events go first: a piece of state is there once, and its last value counts.
  while (extra_.size() > extra_max) {
    const auto event = std::ranges::find_if(extra_, [](const record& one) {
      return std::holds_alternative<machine::event_record>(one);
    });
    extra_.erase(event == extra_.end() ? extra_.begin() : event);
  }
  if (!std::exchange(retry_armed_, true))
    delayed_send(this, retry_period, protocols::tick_atom::value);
}

void journal_actor::works_again() {
  parts_.journal.troubles.write([](journal_inbox::trouble& state) { state.why_not.clear(); });
  parts_.events.publish("journal.restored", "{}");
}

void journal_actor::keep_state(std::string name, std::string value) {
  // While nothing can be written they would gather.
  if (retry_armed_)
    for (auto& one : extra_)
      if (auto* state = std::get_if<machine::state_record>(&one);
          state != nullptr && state->name == name) {
        state->value = std::move(value);
        return;
      }
  extra_.emplace_back(machine::state_record{std::move(name), std::move(value)});
}

void journal_actor::tell_when_written(const caf::actor& who, std::uint64_t token) {
  // The latest stands for those before it.
  for (auto& [known, latest] : told_)
    if (known == who) {
      latest = std::max(latest, token);
      return;
    }
  told_.emplace_back(who, token);
}

void journal_actor::look() {
  if (!journal_ || retry_armed_) return;
  const auto found = journal_->look_after();
  if (const auto* why = std::get_if<journal_error>(&found)) not_written(why->what);
}

// In small steps, so that commits are not held up.
void journal_actor::prune() {
  if (!journal_) return;
  const auto& rules = parts_.catalogs.now().config.journal;
  const auto now = parts_.clock.unix_ms();
  const auto used = journal_->used_bytes();
  const auto* bytes = std::get_if<std::uint64_t>(&used);
  const bool too_large = bytes != nullptr && *bytes > rules.max_bytes;
  const auto outcome = too_large ? journal_->prune(now, prune_rows_early)
                                 : journal_->prune(now - rules.keep_finished.count(), prune_rows);
  const auto* rows = std::get_if<std::size_t>(&outcome);
  if (rows == nullptr) return;
  if (too_large && *rows > 0 && !std::exchange(said_too_large_, true))
    parts_.events.publish("journal.pruned_early", "{\"bytes\":" + std::to_string(*bytes)
                                                      + ",\"key\":\"journal.max_bytes\"}");
  if (!too_large) said_too_large_ = false;
  if (*rows >= prune_rows || (too_large && *rows > 0)) send(this, protocols::check_atom::value);
}

caf::behavior journal_actor::make_behavior() {
  parts_.unexpected.watch(this);
  // On busy cores the wake-up after a flush would cost more than the flush.
  if (getf(is_detached_flag)) static_cast<void>(machine::hurry_this_thread());
  parts_.journal.notes.attach(caf::strong_actor_ptr{ctrl()});
  parts_.journal.notes.take_over();
  drain();
  delayed_send(this, prune_period, protocols::hire_atom::value);
  delayed_send(this, look_period, protocols::open_atom::value);
  return {
      [this](protocols::open_atom) {
        look();
        delayed_send(this, look_period, protocols::open_atom::value);
      },
      [this](protocols::tick_atom) {
        retry_armed_ = false;
        // Nothing may be waiting, and then only an attempt shows whether it works again.
        if (extra_.empty() && parts_.journal.pending.empty())
          extra_.emplace_back(machine::state_record{"journal.probe", "1"});
        parts_.journal.notes.take_over();
        drain();
      },
      [this](protocols::report_atom, std::string& name, std::string& value) {
        keep_state(std::move(name), std::move(value));
        parts_.journal.notes.take_over();
        drain();
      },
      [this](protocols::report_atom, std::string& name, std::string& value, const caf::actor& who,
             std::uint64_t token) {
        keep_state(std::move(name), std::move(value));
        tell_when_written(who, token);
        parts_.journal.notes.take_over();
        drain();
      },
      [this](protocols::report_atom, std::string& kind, std::string& json, std::int64_t unix_ms) {
        extra_.emplace_back(machine::event_record{std::move(kind), unix_ms, std::move(json)});
        parts_.journal.notes.take_over();
        drain();
      },
      [this](protocols::check_atom) { prune(); },
      [this](protocols::hire_atom) {
        prune();
        delayed_send(this, prune_period, protocols::hire_atom::value);
      },
  };
}

void tell_damage(journal_inbox& journal, machine::node_gauge& gauge, event_log& events,
                 const machine::journal_damage& damage) {
  machine::count(gauge.journal_damages);
  const auto text = to_string(damage);
  const auto fresh = journal.troubles.write([&](journal_inbox::trouble& state) {
    if (state.damage == text || state.changes >= damages_told_max) return false;
    state.damage = text;
    ++state.changes;
    return true;
  });
  if (!fresh) return;
  auto json = "{\"what\":" + json_text(damage.what)
              + ",\"set_aside\":" + json_text(damage.set_aside)
              + ",\"saved\":{\"tasks\":" + std::to_string(damage.saved_tasks)
              + ",\"ends\":" + std::to_string(damage.saved_ends) + "}";
  if (damage.counted)
    json += ",\"lost\":{\"tasks\":" + std::to_string(damage.lost_tasks)
            + ",\"ends\":" + std::to_string(damage.lost_ends) + "}";
  events.publish("journal.damaged", json + "}");
}

void journal_actor::on_exit() {
  parts_.journal.notes.attach({});
  journal_.reset();
}

}  // namespace greenroom::actors
