#include "runtime/machine/journal/journal_schema.hpp"

#include <array>

namespace greenroom::machine {

namespace {

// A file of version n has had the first n steps. A released step is never edited: a change of the
// tables is a new step at the end.
//
// `row` grows in the order of acceptance, so inserts of tasks, ends and list positions are appends,
// and "oldest unfinished" is a lower bound on rows (`mark`) instead of an index that every task
// would enter and leave. Ends are rows of their own, because an update in place would move a row
// that has doubled in size. Ids have an index of two small integers.
constexpr std::array<const char*, journal_version> steps{
    // 1
    R"sql(
CREATE TABLE name (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE epoch (number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL UNIQUE);
CREATE TABLE task (
  row INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  number INTEGER NOT NULL,
  specialist INTEGER NOT NULL,
  department INTEGER NOT NULL,
  urgency INTEGER NOT NULL,
  effects INTEGER NOT NULL,
  accepted_ms INTEGER NOT NULL,
  deadline_ms INTEGER NOT NULL,
  request_hash INTEGER NOT NULL,
  key TEXT,
  input TEXT NOT NULL
);
CREATE UNIQUE INDEX task_by_id ON task (epoch, number);
CREATE UNIQUE INDEX task_by_key ON task (key) WHERE key IS NOT NULL;
CREATE TABLE start (row INTEGER PRIMARY KEY, attempts INTEGER NOT NULL);
CREATE TABLE "end" (
  row INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  why INTEGER NOT NULL,
  cold_start INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  pool INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  queue_us INTEGER NOT NULL,
  start_us INTEGER NOT NULL,
  run_us INTEGER NOT NULL,
  total_us INTEGER NOT NULL,
  output TEXT NOT NULL
);
CREATE TABLE mark (one INTEGER PRIMARY KEY CHECK (one = 1), oldest_unfinished INTEGER NOT NULL);
INSERT INTO mark VALUES (1, 1);
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE event (
  row INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  unix_ms INTEGER NOT NULL,
  json TEXT NOT NULL
);
CREATE INDEX event_by_kind ON event (kind);
)sql",
    // 2: a task has a session (case).
    "ALTER TABLE task ADD COLUMN case_id TEXT;",
    // 3: rows from here on have checksums; to add checksums to a whole journal would take long.
    R"sql(
ALTER TABLE task ADD COLUMN sum INTEGER;
ALTER TABLE start ADD COLUMN sum INTEGER;
ALTER TABLE "end" ADD COLUMN sum INTEGER;
ALTER TABLE state ADD COLUMN sum INTEGER;
ALTER TABLE event ADD COLUMN sum INTEGER;
ALTER TABLE mark ADD COLUMN summed_from INTEGER NOT NULL DEFAULT 1;
UPDATE mark SET summed_from = (SELECT coalesce(max(row), 0) + 1 FROM task);
)sql",
};

// Larger files are not checked at the start, because a check would take seconds; a comparison of
// indexes with tables takes several times as long.
constexpr std::int64_t checked_pages = 16384;
constexpr std::int64_t compared_pages = 4096;

[[noreturn]] void refuse(const sqlite_connection& db, const std::string& why) {
  throw sqlite_error{SQLITE_MISMATCH, db.path() + " " + why};
}

/// Returns the file's version; throws when this program cannot use the file.
std::int64_t version_of(sqlite_connection& db) {
  const auto version = db.number("PRAGMA user_version");
  const auto application = db.number("PRAGMA application_id");
  const bool empty =
      version == 0 && application == 0 && db.number("SELECT count(*) FROM sqlite_master") == 0;
  if (!empty && application != journal_application) {
    refuse(db, "is an SQLite database, but no journal of Greenroom: give --data another directory");
  }
  if (version > journal_version) {
    refuse(db, "was written by a newer Greenroom (format " + std::to_string(version)
                   + "; this program knows formats up to " + std::to_string(journal_version)
                   + "): run that version, or give --data another directory");
  }
  // A negative version would select a wrong step.
  if (version < 0) refuse(db, "is damaged: its format is " + std::to_string(version));
  return version;
}

}  // namespace

void check_journal_pages(sqlite_connection& db, bool all) {
  const auto pages = db.number("PRAGMA page_count");
  if (!all && pages > checked_pages) return;
  const auto found =
      db.text(pages <= compared_pages ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)");
  if (found != "ok") db.fail(SQLITE_CORRUPT, found);
}

void prepare_journal_schema(sqlite_connection& db, std::int64_t wanted, bool all_pages) {
  const auto version = version_of(db);
  if (version > 0) check_journal_pages(db, all_pages);
  if (version >= wanted) return;
  db.run("BEGIN IMMEDIATE");
  try {
    for (auto step = version; step < wanted; ++step) db.run(steps[static_cast<std::size_t>(step)]);
    db.run(("PRAGMA application_id=" + std::to_string(journal_application)).c_str());
    db.run(("PRAGMA user_version=" + std::to_string(wanted)).c_str());
    db.run("COMMIT");
  } catch (...) {
    if (db.in_transaction()) sqlite3_exec(db.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

void check_journal_schema(sqlite_connection& db) {
  const auto version = version_of(db);
  if (version != journal_version) {
    refuse(db, "has format " + std::to_string(version) + ", and a reader does not migrate it to "
                   + std::to_string(journal_version) + ": start the node first");
  }
}

}  // namespace greenroom::machine
