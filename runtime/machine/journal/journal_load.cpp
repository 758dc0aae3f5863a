// How the journal's writer reads what the file holds when it opens.
#include "runtime/machine/journal/journal_rows.hpp"
#include "runtime/machine/journal/journal_writer.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::machine {

namespace {

// A larger row number is damage: counting never reaches it.
constexpr std::int64_t row_most = std::int64_t{1} << 53;

constexpr std::string_view identity_name = "journal.identity";
constexpr std::string_view hash_key_name = "journal.hash_key";
constexpr std::size_t words_size = 32;  // Two words in hexadecimal digits.

}  // namespace

void journal_writer::find_identity(const std::string& wanted) {
  const auto read = [this](std::string_view name) { return state(name).value_or(""); };
  identity_ = read(identity_name);
  auto key = read(hash_key_name);
  auto words = protocols::parse_task_id(key);
  if (identity_.size() != words_size || !words) {
    if (identity_.size() != words_size) identity_ = wanted.empty() ? fresh_text() : wanted;
    if (!words) key = fresh_text();
    db_.run("BEGIN IMMEDIATE");
    write(state_record{std::string{identity_name}, identity_});
    write(state_record{std::string{hash_key_name}, key});
    db_.run("COMMIT");
    words = protocols::parse_task_id(key);
  }
  if (words) hash_key_ = {words->epoch, words->number};
}

/// Random bytes from the kernel: SQLite seeds its generator with them.
std::string journal_writer::fresh_text() { return db_.text("SELECT lower(hex(randomblob(16)))"); }

void journal_writer::check_rows(bool whatever_its_size) {
  constexpr std::int64_t looked_at_most = std::int64_t{64} << 20;
  const auto bytes = db_.number("PRAGMA page_count") * db_.number("PRAGMA page_size");
  if (!on_damage_ || tasks_ == 0 || (bytes > looked_at_most && !whatever_its_size)) return;
  std::uint64_t sound = 0;
  sqlite_statement rows{db_, std::string{"SELECT "} + task_columns + " FROM " + task_tables};
  while (rows.step())
    if (!read_task(rows, summed_from_).damaged) ++sound;
  // A task whose session or name is missing is not among the rows.
  if (sound < tasks_)
    on_damage_({std::to_string(tasks_ - sound) + " of " + std::to_string(tasks_)
                    + " tasks in the journal do not match their checksums",
                {}});
}

void journal_writer::load() {
  for (sqlite_statement all{db_, "SELECT text, number FROM name"}; all.step();)
    names_.emplace(all.text(0), all.number(1));
  for (sqlite_statement all{db_, "SELECT epoch, number FROM epoch"}; all.step();)
    epochs_.emplace(unsigned_of(all.number(0)), all.number(1));
  oldest_ = oldest_kept_ = db_.number("SELECT oldest_unfinished FROM mark");
  summed_from_ = db_.number("SELECT summed_from FROM mark");
  tasks_ = unsigned_of(db_.number("SELECT count(*) FROM task"));
  ends_ = unsigned_of(db_.number("SELECT count(*) FROM \"end\""));
  const auto newest = db_.number("SELECT max(row) FROM task");
  if (oldest_ < 1 || newest < 0 || newest > row_most || oldest_ > row_most
      || std::max(newest, oldest_) - oldest_ > unfinished_span_most)
    db_.fail(SQLITE_CORRUPT, "its rows have numbers that no journal has");
  // Not only the largest row: after a full prune, row numbers must not be used again, or an old
  // cursor would point at newer tasks.
  next_row_ = std::max(oldest_, newest + 1);
  ended_.assign(static_cast<std::size_t>(next_row_ - oldest_));
  sqlite_statement open{db_,
                        "SELECT task.row, epoch.epoch, task.number, start.row FROM task"
                        " CROSS JOIN epoch ON epoch.number = task.epoch"
                        " LEFT JOIN start ON start.row = task.row"
                        " LEFT JOIN \"end\" ON \"end\".row = task.row"
                        " WHERE task.row >= ? AND \"end\".row IS NULL"};
  open.bind(1, oldest_);
  while (open.step()) {
    const auto row = open.number(0);
    if (row >= next_row_) continue;
    open_.emplace(protocols::task_id{unsigned_of(open.number(1)), unsigned_of(open.number(2))},
                  open_task{row, !open.null(3)});
    ended_.set(static_cast<std::size_t>(row - oldest_), false);
  }
}

}  // namespace greenroom::machine
