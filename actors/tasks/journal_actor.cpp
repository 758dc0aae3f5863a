#include "actors/tasks/journal_actor.hpp"

#include "actors/state/text.hpp"
#include "runtime/machine/io/thread_urgency.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

namespace greenroom::actors {

using machine::record, machine::verdict;

namespace {

constexpr std::size_t batch_max = 1024;
// A transaction is copied before it is written, so its bytes are bounded too. One record always
// goes in.
constexpr std::size_t batch_bytes_max = std::size_t{32} << 20;
constexpr std::chrono::milliseconds retry_period{500};
constexpr std::chrono::milliseconds file_check_period{500};
constexpr std::chrono::seconds prune_period{30};

}  // namespace

journal_actor::journal_actor(caf::actor_config& cfg, const journal_parts& parts,
                             journal_factory open)
    : draining_actor{cfg},
      parts_{parts},
      open_{std::move(open)},
      outcomes_{{parts.pools, parts.dispatching, parts.ending}},
      upkeep_{{parts.clock, parts.catalogs, parts.events}} {}

// -- writing ------------------------------------------------------------------

void journal_actor::drain() {
  auto& journal = parts_.journal;
  do {
    journal.notes.drain([&](const journal_note& note) { journal.pending.push_back(note); });
    write();
    // While the journal cannot write, the pending notes gather; a timer tries again.
    if (retry_armed_) break;
  } while (!journal.pending.empty() || !backlog_.empty() || !journal.notes.try_sleep());
  if (retry_armed_) static_cast<void>(journal.notes.try_sleep());
}

void journal_actor::drain_now() {
  parts_.journal.notes.mark_awake();
  drain();
}

void journal_actor::write() {
  auto& pending = parts_.journal.pending;
  while ((!pending.empty() || !backlog_.empty()) && !retry_armed_) {
    std::size_t notes = 0;
    const auto batch = next_batch(notes);
    const auto outcome = commit(batch);
    if (!outcome) {
      on_not_written(outcome.error().text);
      return;
    }
    const auto& verdicts = *outcome;
    on_written({verdicts.data(), notes}, batch.size());
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(notes));
  }
}

std::vector<record> journal_actor::next_batch(std::size_t& notes) const {
  const auto& pending = parts_.journal.pending;
  const journal_record_parts from{parts_.clock, parts_.catalogs, parts_.journal};
  std::vector<record> batch;
  const auto most = std::min(pending.size(), batch_max);
  batch.reserve(most + backlog_.records().size());
  for (std::size_t bytes = 0; batch.size() < most && bytes < batch_bytes_max;) {
    const auto& note = pending[batch.size()];
    bytes += record_bytes(note);
    batch.push_back(record_of(from, note));
  }
  notes = batch.size();
  batch.insert(batch.end(), backlog_.records().begin(), backlog_.records().end());
  return batch;
}

base::expected<std::vector<verdict>> journal_actor::commit(std::span<const record> batch) {
  if (!journal_) {
    auto opened = open_();
    if (!opened) return opened.error();
    journal_ = *std::move(opened);
  }
  return journal_->commit(batch);
}

void journal_actor::on_written(std::span<const verdict> verdicts, std::size_t records) {
  if (!parts_.gauge.journal_ok.exchange(true, std::memory_order_relaxed)) {
    parts_.journal.troubles.write([](journal_inbox::trouble& state) { state.why_not.clear(); });
    parts_.events.publish("journal.restored", json_object{});
  }
  machine::count(parts_.gauge.journal_commits);
  machine::count(parts_.gauge.journal_records, records);
  for (const auto& one : backlog_.take_confirmations())
    send(one.writer, protocols::state_written{one.token});
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    outcomes_.on_written(parts_.journal.pending[i], verdicts[i], context());
}

// -- a journal that cannot write ----------------------------------------------

void journal_actor::on_not_written(const std::string& why) {
  if (parts_.gauge.journal_ok.exchange(false))
    parts_.events.publish("journal.failed", json_object{{"why", why}});
  parts_.journal.troubles.write([&](journal_inbox::trouble& state) { state.why_not = why; });
  std::vector<journal_note> kept;
  for (const auto& note : std::exchange(parts_.journal.pending, {}))
    if (outcomes_.on_not_written(note, why, retry_period, context())) kept.push_back(note);
  parts_.journal.pending = std::move(kept);
  backlog_.trim();
  if (!std::exchange(retry_armed_, true)) delayed_send(this, retry_period, write_due::value);
}

void journal_actor::retry_write() {
  retry_armed_ = false;
  // Nothing may wait, and then only an attempt shows whether the journal can write again.
  if (backlog_.empty() && parts_.journal.pending.empty())
    backlog_.add(protocols::state_to_keep{"journal.probe", "1"}, false);
  drain_now();
}

// -- upkeep -------------------------------------------------------------------

void journal_actor::check_files() {
  delayed_send(this, file_check_period, file_check_due::value);
  if (!journal_ || retry_armed_) return;
  const auto found = journal_->look_after();
  if (!found) on_not_written(found.error().text);
}

void journal_actor::prune() {
  if (journal_ && upkeep_.prune(*journal_)) send(this, prune_more::value);
}

// -- behaviour ----------------------------------------------------------------

journal_actor::behavior_type journal_actor::make_behavior() {
  parts_.unexpected.watch(this);
  // On busy cores the wake-up after a flush would cost more than the flush.
  if (getf(is_detached_flag)) static_cast<void>(machine::hurry_this_thread());
  parts_.journal.notes.attach(caf::strong_actor_ptr{ctrl()});
  drain_now();
  delayed_send(this, prune_period, prune_due::value);
  delayed_send(this, file_check_period, file_check_due::value);
  return {
      [this](protocols::state_to_keep& state) {
        backlog_.add(std::move(state), retry_armed_);
        drain_now();
      },
      [this](protocols::state_to_confirm& state) {
        backlog_.add(std::move(state), retry_armed_);
        drain_now();
      },
      [this](protocols::event_to_log& event) {
        backlog_.add(std::move(event));
        drain_now();
      },
      [this](write_due) { retry_write(); },
      [this](file_check_due) { check_files(); },
      [this](prune_due) {
        prune();
        delayed_send(this, prune_period, prune_due::value);
      },
      [this](prune_more) { prune(); },
  };
}

void journal_actor::on_exit() {
  parts_.journal.notes.attach({});
  journal_.reset();
}

}  // namespace greenroom::actors
