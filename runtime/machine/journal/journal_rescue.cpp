#include "runtime/machine/journal/journal_rescue.hpp"

#include "runtime/machine/journal/journal_file.hpp"
#include "runtime/machine/journal/journal_log.hpp"
#include "runtime/machine/journal/journal_rows.hpp"
#include "runtime/machine/journal/journal_schema.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace greenroom::machine {

namespace {

// Behind unreadable pages in the middle of a table, rows are read one by one, up to this number.
constexpr std::int64_t single_rows_most = 500'000;
constexpr std::int64_t rescued_row_most = std::int64_t{1} << 53;

[[noreturn]] void fail_with(const std::string& what) {
  throw sqlite_error{SQLITE_IOERR, what + ": " + std::strerror(errno)};
}

void rename_if_there(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
    fail_with("cannot rename " + from + " to " + to);
}

std::string image_of(const std::string& path) { return path + ".image"; }

/// A temporary file, removed by the destructor.
class passing_file {
public:
  explicit passing_file(std::string path) : path_{std::move(path)} { remove(); }
  ~passing_file() { remove(); }
  passing_file(const passing_file&) = delete;
  passing_file& operator=(const passing_file&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  void remove() const {
    for (const auto* ending : {"", "-wal", "-shm", "-journal"}) ::unlink((path_ + ending).c_str());
  }
  std::string path_;
};

std::vector<std::string> columns_of(sqlite_connection& db, const char* table) {
  std::vector<std::string> names;
  const auto query = std::string{"SELECT name FROM pragma_table_info('"} + table + "')";
  for (sqlite_statement rows{db, query}; rows.step();) names.emplace_back(rows.text(0));
  return names;
}

/// Copies one table's rows and skips unreadable pages.
class table_rescue {
public:
  table_rescue(sqlite_connection& from, sqlite_connection& to, const char* table,
               std::int64_t last_row)
      : from_{from}, last_row_{last_row} {
    const auto wanted = columns_of(to, table);
    std::string list;
    std::string places;
    for (const auto& name : columns_of(from, table)) {
      if (std::ranges::find(wanted, name) == wanted.end()) continue;
      list += (list.empty() ? "\"" : ",\"") + name + "\"";
      places += places.empty() ? "?" : ",?";
      ++columns_;
    }
    name_ = std::string{"\""} + table + "\"";
    list_ = list;
    if (columns_ == 0) return;
    insert_ = std::make_unique<sqlite_statement>(
        to, "INSERT OR IGNORE INTO " + name_ + " (" + list + ") VALUES (" + places + ")");
  }

  /// True when every page of the table was readable.
  bool run() {
    if (columns_ == 0) return false;
    std::int64_t low = 0;
    if (walk("rowid > ?1 ORDER BY rowid", low, +1)) return true;
    std::int64_t high = rescued_row_most;
    if (walk("rowid < ?1 AND rowid > ?2 ORDER BY rowid DESC", high, -1, low)) return false;
    high = std::min(high, std::max(last_row_, low) + 1);
    single(low + 1, std::min(high, low + single_rows_most));
    return false;
  }

private:
  /// False at an unreadable page; `at` is the last row that was read.
  bool walk(const char* condition, std::int64_t& at, int direction, std::int64_t bound = 0) {
    try {
      sqlite_statement rows{from_,
                            "SELECT rowid," + list_ + " FROM " + name_ + " WHERE " + condition};
      rows.bind(1, at);
      if (direction < 0) rows.bind(2, bound);
      while (rows.step()) {
        const auto row = rows.number(0);
        // A damaged tree may contain a cycle.
        if (direction > 0 ? row <= at : row >= at) return false;
        if (row > rescued_row_most) return false;
        take(rows);
        at = row;
      }
      return true;
    } catch (const sqlite_error& wrong) {
      if (wrong.code() == SQLITE_FULL || wrong.code() == SQLITE_IOERR) throw;
      return false;
    }
  }

  void single(std::int64_t from, std::int64_t to) {
    if (from >= to) return;
    sqlite_statement row{from_, "SELECT rowid," + list_ + " FROM " + name_ + " WHERE rowid = ?"};
    for (auto at = from; at < to; ++at) {
      try {
        row.bind(1, at);
        const reset_at_exit reset{row};
        if (row.step()) take(row);
      } catch (const sqlite_error& wrong) {
        if (wrong.code() == SQLITE_FULL || wrong.code() == SQLITE_IOERR) throw;
      }
    }
  }

  void take(const sqlite_statement& row) {
    for (int i = 0; i < columns_; ++i) insert_->bind_value(i + 1, row, i + 1);
    try {
      insert_->run();
    } catch (const sqlite_error& wrong) {
      // A row that violates the table's constraints is damaged.
      if (wrong.code() != SQLITE_CONSTRAINT && wrong.code() != SQLITE_MISMATCH) throw;
    }
  }

  sqlite_connection& from_;
  std::int64_t last_row_;
  std::string name_, list_;
  int columns_ = 0;
  std::unique_ptr<sqlite_statement> insert_;
};

bool readable(const std::string& image) {
  try {
    sqlite_connection db{image, sqlite_connection::mode::image};
    return db.number("SELECT count(*) FROM sqlite_master WHERE name IN ('task', 'end')") == 2;
  } catch (const sqlite_error&) {
    return false;
  }
}

/// All journals create their tables in the same steps, so the tables have the same root pages: the
/// first page, which lists the tables, can be taken from a new journal.
void lend_first_page(const std::string& image, const std::string& fresh) {
  std::vector<char> page(4096);
  std::ifstream{fresh, std::ios::binary}.read(page.data(),
                                              static_cast<std::streamsize>(page.size()));
  const auto pages = (std::filesystem::file_size(image) + page.size() - 1) / page.size();
  for (int i = 0; i < 4; ++i)
    page[static_cast<std::size_t>(28 + i)] = static_cast<char>((pages >> (24 - 8 * i)) & 0xffU);
  page[18] = page[19] = 1;
  std::fill(page.begin() + 32, page.begin() + 40, '\0');  // No list of free pages.
  std::fstream file{image, std::ios::binary | std::ios::in | std::ios::out};
  file.write(page.data(), static_cast<std::streamsize>(page.size()));
}

/// Adds rows that other rows refer to and that are lost, so that joins still find the other rows.
constexpr const char* fill_gaps = R"sql(
INSERT OR IGNORE INTO name (number, text)
  SELECT DISTINCT specialist, '(lost name ' || specialist || ')' FROM task
  WHERE specialist NOT IN (SELECT number FROM name);
INSERT OR IGNORE INTO name (number, text)
  SELECT DISTINCT department, '(lost name ' || department || ')' FROM task
  WHERE department NOT IN (SELECT number FROM name);
INSERT OR IGNORE INTO epoch (number, epoch)
  SELECT DISTINCT epoch, random() FROM task WHERE epoch NOT IN (SELECT number FROM epoch);
DELETE FROM "end" WHERE row NOT IN (SELECT row FROM task);
DELETE FROM start WHERE row NOT IN (SELECT row FROM task) OR row IN (SELECT row FROM "end");
DELETE FROM event WHERE kind NOT IN (SELECT number FROM name);
)sql";

std::uint64_t count_rows(sqlite_connection& db, const char* sql) {
  return unsigned_of(db.number(sql));
}

/// Adds the meaning of the rows' numbers, if the running node knows it.
void put_back(sqlite_connection& db, const known_numbers& known) {
  sqlite_statement name{db, "INSERT OR IGNORE INTO name (number, text) VALUES (?, ?)"};
  for (const auto& [number, text] : known.names)
    name.bind(1, number).bind(2, std::string_view{text}).run();
  sqlite_statement epoch{db, "INSERT OR IGNORE INTO epoch (number, epoch) VALUES (?, ?)"};
  for (const auto& [number, value] : known.epochs)
    epoch.bind(1, number).bind(2, signed_of(value)).run();
}

/// Tasks that fail their checksum. A task of a lost session cannot be found by the id that the
/// caller has, so it counts as lost.
std::uint64_t count_damaged(sqlite_connection& db) {
  std::uint64_t result = 0;
  const auto summed_from = db.number("SELECT summed_from FROM mark");
  sqlite_statement rows{db, std::string{"SELECT "} + task_columns + " FROM " + task_tables};
  while (rows.step())
    if (read_task(rows, summed_from).damaged) ++result;
  return result;
}

/// Drops rows with impossible numbers. A row's checksum covers its number, so a damaged number
/// fails the checksum.
void drop_impossible_rows(sqlite_connection& db, std::int64_t summed_from) {
  const auto span = db.number(
      "SELECT coalesce(max(task.row) - min(CASE WHEN \"end\".row IS NULL THEN task.row END), 0)"
      " FROM task LEFT JOIN \"end\" ON \"end\".row = task.row");
  if (span <= unfinished_span_most) return;
  std::vector<std::int64_t> wrong;
  {
    sqlite_statement rows{db, std::string{"SELECT "} + task_columns + " FROM " + task_tables};
    while (rows.step())
      if (read_task(rows, summed_from).damaged) wrong.push_back(rows.number(0));
  }
  for (const auto row : wrong)
    for (const auto* table : {"task", "start", "\"end\""})
      db.run((std::string{"DELETE FROM "} + table + " WHERE row = " + std::to_string(row)).c_str());
}

}  // namespace

std::string free_name_for(const std::string& path) {
  const auto base = path + ".damaged-" + time_for_names();
  auto name = base;
  for (int i = 2; number_of_file(name) || number_of_file(name + "-wal"); ++i)
    name = base + "-" + std::to_string(i);
  return name;
}

std::string replacement_of(const std::string& path) { return path + ".new"; }

std::string set_journal_aside(const std::string& path) {
  auto aside = free_name_for(path);
  rename_if_there(path + "-wal", aside + "-wal");
  rename_if_there(path, aside);
  ::unlink((path + "-shm").c_str());
  static_cast<void>(flush_directory(parent_directory(path)));
  return aside;
}

std::string set_log_aside(const std::string& path) {
  auto aside = free_name_for(path) + "-wal";
  rename_if_there(path + "-wal", aside);
  ::unlink((path + "-shm").c_str());
  static_cast<void>(flush_directory(parent_directory(path)));
  return aside;
}

void copy_open_database(sqlite_connection& from, const std::string& to, int pages,
                        const std::function<bool()>& go_on) {
  // Create the file here with mode 0600; SQLite would apply the umask.
  const int made = ::open(to.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) fail_with("cannot make " + to);
  ::close(made);
  sqlite_connection copy{to, sqlite_connection::mode::read_write};
  copy.run("PRAGMA synchronous=OFF");
  auto* work = sqlite3_backup_init(copy.get(), "main", from.get(), "main");
  if (work == nullptr) copy.fail(sqlite3_errcode(copy.get()));
  int code = SQLITE_OK;
  while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    code = sqlite3_backup_step(work, pages);
    if (code == SQLITE_DONE) break;
    if (go_on && !go_on()) code = SQLITE_INTERRUPT;
  }
  sqlite3_backup_finish(work);
  if (code != SQLITE_DONE) copy.fail(code, sqlite3_errstr(code));
  // One file without a log.
  if (copy.text("PRAGMA journal_mode=DELETE") != "delete")
    copy.fail(SQLITE_IOERR, "the copy could not be closed");
}

void replace_journal(const std::string& path, const std::string& fresh, journal_mark mark,
                     const std::string& aside, bool keep_log) {
  if (const auto wrong = flush_file(fresh); !wrong.empty()) throw sqlite_error{SQLITE_IOERR, wrong};
  // The old file keeps its content under a second name; the rename below is atomic.
  if (!aside.empty() && number_of_file(path) && ::link(path.c_str(), aside.c_str()) != 0)
    fail_with("cannot set " + path + " aside as " + aside);
  // The new file, which the mark names, must survive a power cut.
  if (const auto wrong = flush_directory(parent_directory(path)); !wrong.empty())
    throw sqlite_error{SQLITE_IOERR, wrong};
  mark.replaced_by = number_of_file(fresh).value_or(file_number{}).inode;
  const auto before = journal_mark_file::read(path);
  journal_mark_file file;
  file.open(path);
  file.write(mark);
  file.flush();
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const auto why = errno;
    // The old file stays, so its mark must stay too.
    if (before)
      file.write(*before);
    else
      ::unlink(journal_mark_file::name_of(path).c_str());
    errno = why;
    fail_with("cannot put " + fresh + " in place");
  }
  if (keep_log)
    rename_if_there(path + "-wal", (aside.empty() ? free_name_for(path) : aside) + "-wal");
  else
    ::unlink((path + "-wal").c_str());
  ::unlink((path + "-shm").c_str());
  if (const auto wrong = flush_directory(parent_directory(path)); !wrong.empty())
    throw sqlite_error{SQLITE_IOERR, wrong};
}

std::string finish_replacement(const std::string& path) {
  const passing_file image{image_of(path)};
  std::string aside;
  struct stat old {};
  if (::stat(path.c_str(), &old) == 0 && old.st_nlink == 1) {
    aside = free_name_for(path);
    if (::link(path.c_str(), aside.c_str()) != 0)
      fail_with("cannot set " + path + " aside as " + aside);
  }
  if (::rename(replacement_of(path).c_str(), path.c_str()) != 0)
    fail_with("cannot put " + replacement_of(path) + " in place");
  ::unlink((path + "-shm").c_str());
  if (const auto wrong = flush_directory(parent_directory(path)); !wrong.empty())
    throw sqlite_error{SQLITE_IOERR, wrong};
  return aside;
}

journal_damage rescue_journal(const std::string& path, const std::optional<journal_mark>& mark,
                              const std::string& why, const known_numbers& known) {
  const passing_file image{image_of(path)};
  const passing_file fresh{replacement_of(path)};
  std::optional<std::pair<std::uint32_t, std::uint32_t>> salts;
  if (mark && mark->frames > 0) salts = {mark->salt_1, mark->salt_2};
  const auto log = read_journal_log(path + "-wal", salts);
  if (const auto wrong = make_journal_image(path, path + "-wal", log, image.path()); !wrong.empty())
    throw sqlite_error{SQLITE_IOERR, wrong};
  const int made = ::open(fresh.path().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) fail_with("cannot make " + fresh.path());
  ::close(made);
  journal_damage found;
  found.what = why;
  std::uint64_t last_row = 0, rows = 0;
  {
    sqlite_connection to{fresh.path(), sqlite_connection::mode::read_write};
    to.run("PRAGMA synchronous=OFF");
    prepare_journal_schema(to);
    if (!readable(image.path())) lend_first_page(image.path(), fresh.path());
    if (readable(image.path())) {
      sqlite_connection from{image.path(), sqlite_connection::mode::image};
      const auto last_known = mark ? signed_of(mark->last_row) : std::int64_t{0};
      std::int64_t summed_from = 1;
      try {
        const auto columns = columns_of(from, "mark");
        if (std::ranges::find(columns, "summed_from") == columns.end())
          summed_from = rescued_row_most;
        else
          summed_from = std::max<std::int64_t>(from.number("SELECT summed_from FROM mark"), 1);
      } catch (const sqlite_error&) {
        // Then every row must match its checksum.
      }
      to.run("BEGIN");
      for (const auto* table : {"name", "epoch", "task", "start", "end", "state", "event"}) {
        try {
          table_rescue{from, to, table, last_known}.run();
        } catch (const sqlite_error& wrong) {
          if (wrong.code() == SQLITE_FULL || wrong.code() == SQLITE_IOERR) throw;
        }
      }
      put_back(to, known);
      to.run(fill_gaps);
      drop_impossible_rows(to, summed_from);
      const auto next = to.number("SELECT coalesce(max(row), 0) + 1 FROM task");
      if (summed_from > next) summed_from = next;
      to.run(
          ("UPDATE mark SET summed_from=" + std::to_string(summed_from)
           + ", oldest_unfinished=(SELECT coalesce(min(task.row), " + std::to_string(next)
           + ") FROM task LEFT JOIN \"end\" ON \"end\".row = task.row WHERE \"end\".row IS NULL)")
              .c_str());
      to.run("COMMIT");
    }
    last_row = count_rows(to, "SELECT coalesce(max(row), 0) FROM task");
    rows = count_rows(to, "SELECT count(*) FROM task");
    found.saved_tasks = rows - count_damaged(to);
    found.saved_ends = count_rows(to, "SELECT count(*) FROM \"end\"");
  }
  if (mark) {
    found.counted = true;
    found.lost_tasks = mark->tasks - std::min(mark->tasks, found.saved_tasks);
    found.lost_ends = mark->ends - std::min(mark->ends, found.saved_ends);
  }
  found.set_aside = free_name_for(path);
  auto then = mark.value_or(journal_mark{});
  then.tasks = rows;
  then.ends = found.saved_ends;
  then.last_row = last_row;
  then.suspect |= journal_mark::lost_starts;
  then.at = journal_mark::stage::opening;
  then.frames = 0;
  replace_journal(path, fresh.path(), then, found.set_aside, true);
  return found;
}

std::string to_string(const journal_damage& what) {
  auto text = what.what;
  if (!what.set_aside.empty()) text += "; what was there is now " + what.set_aside;
  const auto count = [](std::uint64_t number, const char* one) {
    return std::to_string(number) + " " + one + (number == 1 ? "" : "s");
  };
  text += "; saved: " + count(what.saved_tasks, "task") + " and " + count(what.saved_ends, "end");
  text += what.counted
              ? ", lost: " + count(what.lost_tasks, "task") + " and " + count(what.lost_ends, "end")
              : ", how much is lost is not known";
  return text;
}

}  // namespace greenroom::machine
