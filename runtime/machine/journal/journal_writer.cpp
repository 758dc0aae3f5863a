#include "runtime/machine/journal/journal_writer.hpp"

#include "runtime/machine/journal/journal_rows.hpp"
#include "runtime/machine/journal/journal_schema.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::machine {

namespace {

// The mark in the file is only where searches begin, so it may lag behind.
constexpr std::int64_t mark_step = 4096;

std::int64_t microseconds(double milliseconds) {
  if (!std::isfinite(milliseconds)) return 0;
  return std::llround(std::clamp(milliseconds, 0.0, 1e12) * 1000);
}

std::string unfinished_query() {
  return std::string{"SELECT "} + task_columns + " FROM " + task_tables
         + R"( WHERE task.row >= ? AND "end".row IS NULL ORDER BY task.row)";
}

}  // namespace

struct journal_writer::statements {
  explicit statements(sqlite_connection& db)
      : begin{db, "BEGIN IMMEDIATE"},
        commit{db, "COMMIT"},
        accept{db,
               "INSERT INTO task (row, epoch, number, specialist, department, urgency, effects,"
               " accepted_ms, deadline_ms, request_hash, key, input, case_id)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (epoch, number) DO "
               "NOTHING"},
        by_key{db,
               "SELECT epoch.epoch, task.number, task.request_hash FROM task"
               " CROSS JOIN epoch ON epoch.number = task.epoch WHERE task.key = ?"},
        start{db, "INSERT OR REPLACE INTO start (row, attempts) VALUES (?, ?)"},
        started_no_more{db, "DELETE FROM start WHERE row = ?"},
        end{db,
            "INSERT INTO \"end\" (row, state, why, cold_start, attempts, pool, ended_ms, queue_us,"
            " start_us, run_us, total_us, output) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        set_state{db, "INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)"},
        drop_state{db, "DELETE FROM state WHERE name = ?"},
        get_state{db, "SELECT value FROM state WHERE name = ?"},
        event{db, "INSERT INTO event (kind, unix_ms, json) VALUES (?, ?, ?)"},
        name{db, "INSERT INTO name (text) VALUES (?)"},
        epoch{db, "INSERT INTO epoch (epoch) VALUES (?)"},
        mark{db, "UPDATE mark SET oldest_unfinished = ?"},
        unfinished{db, unfinished_query()},
        oldest_tasks{db,
                     "SELECT task.row, task.accepted_ms, \"end\".ended_ms FROM task"
                     " LEFT JOIN \"end\" ON \"end\".row = task.row ORDER BY task.row"},
        oldest_events{db, "SELECT row, unix_ms FROM event ORDER BY row"},
        drop_task{db, "DELETE FROM task WHERE row = ?"},
        drop_end{db, "DELETE FROM \"end\" WHERE row = ?"},
        drop_event{db, "DELETE FROM event WHERE row = ?"} {}

  sqlite_statement begin, commit, accept, by_key, start, started_no_more, end, set_state,
      drop_state, get_state, event, name, epoch, mark, unfinished, oldest_tasks, oldest_events,
      drop_task, drop_end, drop_event;
};

journal_writer::journal_writer(const journal_options& options, journal_lock lock)
    : lock_{std::move(lock)}, db_{options.path, sqlite_connection::mode::read_write} {
  const bool in_memory = options.path == ":memory:";
  // Without fsync, NORMAL: a power cut may take the last commits, but never the file's soundness.
  db_.run(options.fsync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  db_.run("PRAGMA foreign_keys=OFF; PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY");
  if (!in_memory && db_.text("PRAGMA journal_mode=WAL") != "wal")
    db_.fail(SQLITE_CANTOPEN, "the file system has no write-ahead log for SQLite");
  prepare_journal_schema(db_);
  sql_ = std::make_unique<statements>(db_);
  load();
  if (!in_memory) checkpointer_ = std::make_unique<journal_checkpointer>(db_);
}

journal_writer::~journal_writer() {
  // Connections close in the reverse order, so that SQLite's last one is the writer's.
  checkpointer_.reset();
}

void journal_writer::load() {
  for (sqlite_statement all{db_, "SELECT text, number FROM name"}; all.step();)
    names_.emplace(all.text(0), all.number(1));
  for (sqlite_statement all{db_, "SELECT epoch, number FROM epoch"}; all.step();)
    epochs_.emplace(unsigned_of(all.number(0)), all.number(1));
  oldest_ = oldest_kept_ = db_.number("SELECT oldest_unfinished FROM mark");
  // Not only the largest row: when all has been pruned, rows must not be used again, or a cursor
  // from before would point at tasks that are newer than it.
  next_row_ = std::max(oldest_, row_after(db_.number("SELECT max(row) FROM task")));
  ended_.assign(static_cast<std::size_t>(next_row_ - oldest_), true);
  sqlite_statement open{db_,
                        "SELECT task.row, epoch.epoch, task.number, start.row FROM task"
                        " CROSS JOIN epoch ON epoch.number = task.epoch"
                        " LEFT JOIN start ON start.row = task.row"
                        " LEFT JOIN \"end\" ON \"end\".row = task.row"
                        " WHERE task.row >= ? AND \"end\".row IS NULL"};
  open.bind(1, oldest_);
  while (open.step()) {
    const auto row = open.number(0);
    open_.emplace(protocols::task_id{unsigned_of(open.number(1)), unsigned_of(open.number(2))},
                  open_task{row, !open.null(3)});
    ended_[static_cast<std::size_t>(row - oldest_)] = false;
  }
}

journal_result<std::vector<verdict>> journal_writer::commit(std::span<const record> batch) {
  std::vector<verdict> verdicts(batch.size());
  if (batch.empty()) return verdicts;
  batch_.first_row = next_row_;
  try {
    expect_in_place();
    sql_->begin.run();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (const auto* accepted = std::get_if<accept_record>(&batch[i])) {
        verdicts[i] = write(*accepted);
      } else if (const auto* ended = std::get_if<end_record>(&batch[i])) {
        write(*ended);
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
    roll_back();
    return journal_error{wrong.what()};
  }
  settle();
  if (checkpointer_) checkpointer_->after_commit();
  return verdicts;
}

// A file without a name takes everything that is written to it, and gives nothing back after a
// crash.
void journal_writer::expect_in_place() {
  int moved = 0;
  sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (moved != 0)
    db_.fail(SQLITE_READONLY,
             "the file was removed or replaced while the node had it open: put it "
             "back, or start the node again");
}

void journal_writer::roll_back() noexcept {
  // Some failures (a full disk) have rolled back already, and a failed COMMIT has not.
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
      const bool same = unsigned_of(known.number(2)) == accepted.request_hash;
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
      .bind_or_null(13, accepted.case_id);
  insert.run();
  // A record that comes twice was committed before its writer heard of it: once is enough.
  if (sqlite3_changes(db_.get()) == 0) return {verdict::kind::written, accepted.id};
  batch_.accepted.push_back(accepted.id);
  open_.emplace(accepted.id, open_task{next_row_, false});
  ++next_row_;
  return {verdict::kind::written, accepted.id};
}

void journal_writer::write(const start_record& started) {
  const auto found = open_.find(started.id);
  if (found == open_.end()) return;
  sql_->start.bind(1, found->second.row).bind(2, std::int64_t{started.attempts}).run();
  if (found->second.started) return;
  found->second.started = true;
  batch_.started.push_back(started.id);
}

void journal_writer::write(const end_record& ended) {
  const auto found = open_.find(ended.id);
  if (found == open_.end()) return;
  const auto what = found->second;
  sql_->end.bind(1, what.row)
      .bind(2, static_cast<std::int64_t>(ended.state))
      .bind(3, static_cast<std::int64_t>(ended.why))
      .bind(4, std::int64_t{ended.cold_start})
      .bind(5, std::int64_t{ended.attempts})
      .bind(6, static_cast<std::int64_t>(ended.pool))
      .bind(7, ended.ended_unix_ms)
      .bind(8, microseconds(ended.queue_ms))
      .bind(9, microseconds(ended.start_ms))
      .bind(10, microseconds(ended.run_ms))
      .bind(11, microseconds(ended.total_ms))
      .bind(12, std::string_view{ended.output})
      .run();
  if (what.started) sql_->started_no_more.bind(1, what.row).run();
  batch_.ended.emplace_back(ended.id, what);
  open_.erase(found);
}

void journal_writer::write(const state_record& state) {
  if (state.value.empty()) return sql_->drop_state.bind(1, std::string_view{state.name}).run();
  sql_->set_state.bind(1, std::string_view{state.name})
      .bind(2, std::string_view{state.value})
      .run();
}

void journal_writer::write(const event_record& event) {
  sql_->event.bind(1, number_of_name(event.kind))
      .bind(2, event.unix_ms)
      .bind(3, std::string_view{event.json})
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

/// The mark is that of the batches before: what this one ends is not certain yet.
void journal_writer::keep_mark() {
  if (oldest_ - oldest_kept_ < mark_step) return;
  sql_->mark.bind(1, oldest_).run();
}

/// The batch is durable: now the books follow.
void journal_writer::settle() {
  if (oldest_ - oldest_kept_ >= mark_step) oldest_kept_ = oldest_;
  ended_.resize(static_cast<std::size_t>(next_row_ - oldest_), false);
  for (const auto& [id, what] : batch_.ended)
    ended_[static_cast<std::size_t>(what.row - oldest_)] = true;
  while (!ended_.empty() && ended_.front()) {
    ended_.pop_front();
    ++oldest_;
  }
  batch_.names.clear();
  batch_.epochs.clear();
  batch_.accepted.clear();
  batch_.started.clear();
  batch_.ended.clear();
}

journal_result<std::vector<stored_task>> journal_writer::unfinished() {
  return as_result<std::vector<stored_task>>([&] {
    std::vector<stored_task> tasks;
    tasks.reserve(open_.size());
    auto& rows = sql_->unfinished.bind(1, oldest_);
    const reset_at_exit reset{rows};
    while (rows.step()) tasks.push_back(read_task(rows));
    return tasks;
  });
}

journal_result<std::size_t> journal_writer::prune(std::int64_t before_unix_ms, std::size_t most) {
  batch_.first_row = next_row_;
  try {
    sql_->begin.run();
    auto pruned = prune_tasks(before_unix_ms, most);
    pruned += prune_events(before_unix_ms, most - pruned);
    const auto mark = oldest_;
    if (pruned > 0) sql_->mark.bind(1, mark).run();
    sql_->commit.run();
    if (pruned > 0) oldest_kept_ = mark;
    if (checkpointer_) checkpointer_->after_commit();
    return pruned;
  } catch (const std::exception& wrong) {
    roll_back();
    return journal_error{wrong.what()};
  }
}

/// Rows are in the order of acceptance, so the search is over at the first task that was accepted
/// too late; what it passes without deleting are the few that had not ended by then.
std::size_t journal_writer::prune_tasks(std::int64_t before_unix_ms, std::size_t most) {
  std::vector<std::int64_t> rows;
  {
    auto& oldest = sql_->oldest_tasks;
    const reset_at_exit reset{oldest};
    while (rows.size() < most && oldest.step()) {
      if (oldest.number(1) >= before_unix_ms) break;
      if (!oldest.null(2) && oldest.number(2) < before_unix_ms) rows.push_back(oldest.number(0));
    }
  }
  for (const auto row : rows) {
    sql_->drop_end.bind(1, row).run();
    sql_->drop_task.bind(1, row).run();
  }
  return rows.size();
}

std::size_t journal_writer::prune_events(std::int64_t before_unix_ms, std::size_t most) {
  std::vector<std::int64_t> rows;
  {
    auto& oldest = sql_->oldest_events;
    const reset_at_exit reset{oldest};
    while (rows.size() < most && oldest.step() && oldest.number(1) < before_unix_ms)
      rows.push_back(oldest.number(0));
  }
  for (const auto row : rows) sql_->drop_event.bind(1, row).run();
  return rows.size();
}

journal_result<std::uint64_t> journal_writer::used_bytes() {
  return as_result<std::uint64_t>([&] {
    const auto pages = db_.number("PRAGMA page_count") - db_.number("PRAGMA freelist_count");
    return unsigned_of(pages) * unsigned_of(db_.number("PRAGMA page_size"));
  });
}

journal_result<std::string> journal_writer::state(std::string_view name) {
  return as_result<std::string>([&] {
    auto& query = sql_->get_state.bind(1, name);
    const reset_at_exit reset{query};
    return query.step() ? std::string{query.text(0)} : std::string{};
  });
}

journal_result<std::unique_ptr<journal>> journal::open(const journal_options& options) {
  journal_lock lock;
  if (options.path != ":memory:") {
    if (auto wrong = create_journal_file(options.path); !wrong.empty()) return journal_error{wrong};
    if (auto wrong = lock.take(options.path); !wrong.empty()) return journal_error{wrong};
  }
  return as_result<std::unique_ptr<journal>>([&]() -> std::unique_ptr<journal> {
    return std::make_unique<journal_writer>(options, std::move(lock));
  });
}

}  // namespace greenroom::machine
