#include "runtime/machine/journal/journal_rescue.hpp"

#include "runtime/machine/journal/journal_replacement.hpp"
#include "runtime/machine/journal/journal_rows.hpp"
#include "runtime/machine/journal/journal_schema.hpp"
#include "runtime/machine/journal/table_rescue.hpp"
#include "runtime/machine/journal/wal_parser.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

namespace greenroom::machine {

namespace {

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

namespace {

/// Row numbers from which on every row must match its checksum.
std::int64_t rows_summed_from(sqlite_connection& from) {
  try {
    const auto columns = columns_of(from, "mark");
    if (std::ranges::find(columns, "summed_from") == columns.end()) return rescued_row_most;
    return std::max<std::int64_t>(from.number("SELECT summed_from FROM mark"), 1);
  } catch (const sqlite_error&) {
    return 1;
  }
}

/// Copies every readable row of the image and repairs what the rows refer to.
void copy_readable_rows(const std::string& image, sqlite_connection& to,
                        const std::optional<journal_mark>& mark, const known_numbers& known) {
  sqlite_connection from{image, sqlite_connection::mode::image};
  const auto last_known = mark ? signed_of(mark->last_row) : std::int64_t{0};
  auto summed_from = rows_summed_from(from);
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
  to.run(("UPDATE mark SET summed_from=" + std::to_string(summed_from)
          + ", oldest_unfinished=(SELECT coalesce(min(task.row), " + std::to_string(next)
          + ") FROM task LEFT JOIN \"end\" ON \"end\".row = task.row WHERE \"end\".row IS NULL)")
             .c_str());
  to.run("COMMIT");
}

}  // namespace

journal_damage rescue_journal(const std::string& path, const std::optional<journal_mark>& mark,
                              const std::string& why, const known_numbers& known) {
  const temporary_database image{journal_image_of(path)};
  const temporary_database fresh{replacement_of(path)};
  std::optional<std::pair<std::uint32_t, std::uint32_t>> salts;
  if (mark && mark->frames > 0) salts = {mark->salt_1, mark->salt_2};
  const auto log = parse_wal(path + "-wal", salts);
  if (const auto made = make_journal_image(path, path + "-wal", log, image.path()); !made)
    throw sqlite_error{SQLITE_IOERR, made.error().text};
  create_private_file(fresh.path());
  journal_damage found;
  found.what = why;
  auto then = mark.value_or(journal_mark{});
  {
    sqlite_connection to{fresh.path(), sqlite_connection::mode::read_write};
    to.run("PRAGMA synchronous=OFF");
    prepare_journal_schema(to);
    if (!readable(image.path())) lend_first_page(image.path(), fresh.path());
    if (readable(image.path())) copy_readable_rows(image.path(), to, mark, known);
    then.last_row = count_rows(to, "SELECT coalesce(max(row), 0) FROM task");
    then.tasks = count_rows(to, "SELECT count(*) FROM task");
    then.ends = count_rows(to, "SELECT count(*) FROM \"end\"");
    found.saved_tasks = then.tasks - count_damaged(to);
    found.saved_ends = then.ends;
  }
  if (mark) {
    found.counted = true;
    found.lost_tasks = mark->tasks - std::min(mark->tasks, found.saved_tasks);
    found.lost_ends = mark->ends - std::min(mark->ends, found.saved_ends);
  }
  found.set_aside = free_name_for(path);
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
