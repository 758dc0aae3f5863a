#include "runtime/machine/journal/journal_writer.hpp"

#include "runtime/machine/journal/journal_rows.hpp"
#include "runtime/machine/journal/journal_schema.hpp"
#include "runtime/machine/journal/journal_statements.hpp"
#include "runtime/machine/journal/wal_parser.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::machine {

namespace {

// The mark in the file only tells where a search begins, so it may lag behind.
constexpr std::int64_t mark_step = 4096;

std::int64_t microseconds(double milliseconds) {
  if (!std::isfinite(milliseconds)) return 0;
  return std::llround(std::clamp(milliseconds, 0.0, 1e12) * 1000);
}

}  // namespace

journal_writer::journal_writer(const journal_options& options, bool all_pages)
    : db_{options.path, sqlite_connection::mode::read_write},
      in_memory_{options.path == ":memory:"},
      on_damage_{options.on_damage} {
  db_.keep_log_when_closed();
  // Without fsync, NORMAL: a power cut may lose the last commits, but never corrupts the file.
  db_.run(options.fsync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  db_.run("PRAGMA foreign_keys=OFF; PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY");
  if (!in_memory_ && db_.text("PRAGMA journal_mode=WAL") != "wal")
    db_.fail(SQLITE_CANTOPEN, "the file system has no write-ahead log for SQLite");
  prepare_journal_schema(db_, journal_version, all_pages);
  sql_ = std::make_unique<statements>(db_);
  find_identity(options.expected);
  load();
  check_rows(all_pages);
  if (!in_memory_) checkpointer_ = std::make_unique<journal_checkpointer>(db_);
}

journal_writer::~journal_writer() {
  // Connections close in reverse order, so that SQLite's last connection is the writer's.
  checkpointer_.reset();
}

void journal_writer::watch_place(const journal_lock& lock, journal_mark begin) {
  // The log may already hold frames, also of an earlier process.
  const auto log = parse_wal(db_.path() + "-wal");
  const auto now = counts();
  begin.journal = identity_;
  begin.frames = log ? log->committed : 0;
  begin.tasks = now.tasks;
  begin.ends = now.ends;
  begin.last_row = now.last_row;
  place_ = std::make_unique<journal_place>(db_.path(), lock, std::move(begin));
}

journal_place::trouble journal_writer::look() {
  if (place_) trouble_ = place_->look();
  return trouble_;
}

bool journal_writer::log_was_emptied() {
  int frames = -1;
  const int code =
      sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &frames, nullptr);
  if (code != SQLITE_OK || frames != 0 || !place_) return false;
  place_->forget_log();
  return look() == journal_place::trouble::none;
}

journal_place::counts journal_writer::counts() const {
  return {tasks_, ends_, unsigned_of(next_row_ - 1)};
}

known_numbers journal_writer::numbers() const {
  known_numbers result;
  for (const auto& [text, number] : names_) result.names.emplace_back(number, text);
  for (const auto& [epoch, number] : epochs_) result.epochs.emplace_back(number, epoch);
  return result;
}

bool journal_writer::checkpoint() {
  checkpointer_.reset();
  return sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr)
         == SQLITE_OK;
}

void journal_writer::close_clean() {
  if (!place_) return;
  place_->closing();
  if (checkpoint()) place_->closed();
}

/// Called when the batch is durable and not yet acknowledged.
void journal_writer::committed() {
  if (!place_) return;
  place_->committed(static_cast<std::uint64_t>(checkpointer_ ? checkpointer_->log_pages() : 0),
                    counts());
  trouble_ = place_->look();
}

base::problem journal_writer::failed(const std::exception& wrong) {
  const auto* sqlite = dynamic_cast<const sqlite_error*>(&wrong);
  if (sqlite != nullptr && (sqlite->code() == SQLITE_CORRUPT || sqlite->code() == SQLITE_NOTADB)) {
    corrupt_ = true;
    if (place_) place_->suspect();
  }
  roll_back();
  return journal_problem(wrong.what());
}

base::expected<std::vector<verdict>> journal_writer::commit(std::span<const record> batch) {
  std::vector<verdict> verdicts(batch.size());
  if (batch.empty()) return verdicts;
  batch_.first_row = next_row_;
  try {
    sql_->begin.run();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (const auto* accepted = std::get_if<accept_record>(&batch[i])) {
        verdicts[i] = write(*accepted);
      } else if (const auto* ended = std::get_if<end_record>(&batch[i])) {
        verdicts[i] = write(*ended);
      } else if (const auto* started = std::get_if<start_record>(&batch[i])) {
        write(*started);
      } else if (const auto* state = std::get_if<state_record>(&batch[i])) {
        write(*state);
      } else {
        write(std::get<event_record>(batch[i]));
      }
    }
    keep_mark();
    sql_->commit.run();
  } catch (const std::exception& wrong) {
    return failed(wrong);
  }
  settle();
  committed();
  if (checkpointer_) checkpointer_->after_commit();
  return verdicts;
}

void journal_writer::roll_back() noexcept {
  // Some failures (a full disk) have already rolled back; a failed COMMIT has not.
  if (db_.in_transaction()) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  for (const auto& name : batch_.names) names_.erase(name);
  for (const auto epoch : batch_.epochs) epochs_.erase(epoch);
  for (const auto& [id, what] : batch_.ended) open_.emplace(id, what);
  for (const auto& id : batch_.started) {
    if (const auto found = open_.find(id); found != open_.end()) found->second.started = false;
  }
  for (const auto& id : batch_.accepted) open_.erase(id);
  next_row_ = batch_.first_row;
  batch_ = {};
}

verdict journal_writer::write(const accept_record& accepted) {
  if (!accepted.idempotency_key.empty()) {
    auto& known = sql_->by_key.bind(1, accepted.idempotency_key);
    const reset_at_exit reset{known};
    if (known.step()) {
      const protocols::task_id id{unsigned_of(known.number(0)), unsigned_of(known.number(1))};
      // A task of format 2 keeps the hash of format 2.
      const auto hash = unsigned_of(known.number(2));
      const bool same = hash == accepted.request_hash
                        || (known.number(3) < summed_from_ && hash == accepted.former_hash);
      return {same ? verdict::kind::same_request : verdict::kind::key_conflict, id};
    }
  }
  auto& insert = sql_->accept;
  insert.bind(1, next_row_)
      .bind(2, number_of_epoch(accepted.id.epoch))
      .bind(3, signed_of(accepted.id.number))
      .bind(4, number_of_name(accepted.specialist))
      .bind(5, number_of_name(accepted.department))
      .bind(6, static_cast<std::int64_t>(accepted.urgency))
      .bind(7, static_cast<std::int64_t>(accepted.effects))
      .bind(8, accepted.accepted_unix_ms)
      .bind(9, accepted.deadline_unix_ms)
      .bind(10, signed_of(accepted.request_hash))
      .bind_or_null(11, accepted.idempotency_key)
      .bind(12, std::string_view{accepted.input})
      .bind_or_null(13, accepted.case_id)
      .bind(14, sum_of_task(next_row_, accepted));
  insert.run();
  // A repeated record was committed before its sender got the reply: keep the first.
  if (sqlite3_changes(db_.get()) == 0) return {verdict::kind::written, accepted.id};
  batch_.accepted.push_back(accepted.id);
  open_.emplace(accepted.id, open_task{next_row_, false});
  ++next_row_;
  return {verdict::kind::written, accepted.id};
}

void journal_writer::write(const start_record& started) {
  const auto found = open_.find(started.id);
  if (found == open_.end()) return;
  const std::int64_t attempts = started.attempts;
  sql_->start.bind(1, found->second.row)
      .bind(2, attempts)
      .bind(3, sum_of_start(found->second.row, started.id, attempts))
      .run();
  if (found->second.started) return;
  found->second.started = true;
  batch_.started.push_back(started.id);
}

verdict journal_writer::write(const end_record& ended) {
  const auto found = open_.find(ended.id);
  if (found == open_.end()) return {verdict::kind::not_open, ended.id};
  const auto what = found->second;
  const stored_end numbers{static_cast<std::int64_t>(ended.state),
                           static_cast<std::int64_t>(ended.why),
                           std::int64_t{ended.cold_start},
                           std::int64_t{ended.attempts},
                           static_cast<std::int64_t>(ended.pool),
                           ended.ended_unix_ms,
                           microseconds(ended.queue_ms),
                           microseconds(ended.start_ms),
                           microseconds(ended.run_ms),
                           microseconds(ended.total_ms)};
  sql_->end.bind(1, what.row)
      .bind(2, numbers.state)
      .bind(3, numbers.why)
      .bind(4, numbers.cold_start)
      .bind(5, numbers.attempts)
      .bind(6, numbers.pool)
      .bind(7, numbers.ended_ms)
      .bind(8, numbers.queue_us)
      .bind(9, numbers.start_us)
      .bind(10, numbers.run_us)
      .bind(11, numbers.total_us)
      .bind(12, std::string_view{ended.output})
      .bind(13, sum_of_end(what.row, ended.id, numbers, ended.output))
      .run();
  if (what.started) sql_->started_no_more.bind(1, what.row).run();
  batch_.ended.emplace_back(ended.id, what);
  open_.erase(found);
  return {verdict::kind::written, ended.id};
}

void journal_writer::write(const state_record& state) {
  if (state.value.empty()) return sql_->drop_state.bind(1, std::string_view{state.name}).run();
  sql_->set_state.bind(1, std::string_view{state.name})
      .bind(2, std::string_view{state.value})
      .bind(3, sum_of_state(state.name, state.value))
      .run();
}

void journal_writer::write(const event_record& event) {
  sql_->event.bind(1, number_of_name(event.kind))
      .bind(2, event.unix_ms)
      .bind(3, std::string_view{event.json})
      .bind(4, sum_of_event(event.kind, event.unix_ms, event.json))
      .run();
}

std::int64_t journal_writer::number_of_name(std::string_view text) {
  if (const auto known = names_.find(text); known != names_.end()) return known->second;
  sql_->name.bind(1, text).run();
  const auto number = sqlite3_last_insert_rowid(db_.get());
  batch_.names.emplace_back(text);
  names_.emplace(text, number);
  return number;
}

std::int64_t journal_writer::number_of_epoch(std::uint64_t epoch) {
  if (const auto known = epochs_.find(epoch); known != epochs_.end()) return known->second;
  sql_->epoch.bind(1, signed_of(epoch)).run();
  const auto number = sqlite3_last_insert_rowid(db_.get());
  batch_.epochs.push_back(epoch);
  epochs_.emplace(epoch, number);
  return number;
}

/// Writes the mark of the earlier batches: this batch's ends are not durable yet.
void journal_writer::keep_mark() {
  if (oldest_ - oldest_kept_ < mark_step) return;
  sql_->mark.bind(1, oldest_).run();
}

/// The batch is durable: update the cache.
void journal_writer::settle() {
  tasks_ += batch_.accepted.size();
  ends_ += batch_.ended.size();
  if (oldest_ - oldest_kept_ >= mark_step) oldest_kept_ = oldest_;
  ended_.grow(static_cast<std::size_t>(next_row_ - oldest_));
  for (const auto& [id, what] : batch_.ended)
    ended_.set(static_cast<std::size_t>(what.row - oldest_), true);
  oldest_ += static_cast<std::int64_t>(ended_.drop_ended());
  batch_.names.clear();
  batch_.epochs.clear();
  batch_.accepted.clear();
  batch_.started.clear();
  batch_.ended.clear();
}

base::expected<std::vector<stored_task>> journal_writer::unfinished() {
  return as_result<std::vector<stored_task>>([&] {
    std::vector<stored_task> tasks;
    tasks.reserve(open_.size());
    auto& rows = sql_->unfinished.bind(1, oldest_);
    const reset_at_exit reset{rows};
    while (rows.step()) tasks.push_back(read_task(rows, summed_from_));
    return tasks;
  });
}

base::expected<std::uint64_t> journal_writer::used_bytes() {
  return as_result<std::uint64_t>([&] {
    const auto pages = db_.number("PRAGMA page_count") - db_.number("PRAGMA freelist_count");
    return unsigned_of(pages) * unsigned_of(db_.number("PRAGMA page_size"));
  });
}

base::expected<std::string> journal_writer::state(std::string_view name) {
  return as_result<std::string>([&] {
    auto& query = sql_->get_state.bind(1, name);
    const reset_at_exit reset{query};
    if (!query.step()) return std::string{};
    std::string value{query.text(0)};
    // Formats before 3 have no checksums.
    if (query.null(1) || query.number(1) == sum_of_state(name, value)) return value;
    if (on_damage_)
      on_damage_(
          {"the journal's record of \"" + std::string{name} + "\" is damaged, and was left out",
           {}});
    return std::string{};
  });
}

}  // namespace greenroom::machine
