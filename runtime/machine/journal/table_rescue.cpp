#include "runtime/machine/journal/table_rescue.hpp"

#include <algorithm>

namespace greenroom::machine {

namespace {

// Behind unreadable pages in the middle of a table, rows are read one by one, up to this number.
constexpr std::int64_t single_rows_most = 500'000;

}  // namespace

std::vector<std::string> columns_of(sqlite_connection& db, const char* table) {
  std::vector<std::string> names;
  const auto query = std::string{"SELECT name FROM pragma_table_info('"} + table + "')";
  for (sqlite_statement rows{db, query}; rows.step();) names.emplace_back(rows.text(0));
  return names;
}

table_rescue::table_rescue(sqlite_connection& from, sqlite_connection& to, const char* table,
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

bool table_rescue::run() {
  if (columns_ == 0) return false;
  std::int64_t low = 0;
  if (walk("rowid > ?1 ORDER BY rowid", low, +1)) return true;
  std::int64_t high = rescued_row_most;
  if (walk("rowid < ?1 AND rowid > ?2 ORDER BY rowid DESC", high, -1, low)) return false;
  high = std::min(high, std::max(last_row_, low) + 1);
  single(low + 1, std::min(high, low + single_rows_most));
  return false;
}

bool table_rescue::walk(const char* condition, std::int64_t& at, int direction,
                        std::int64_t bound) {
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

void table_rescue::single(std::int64_t from, std::int64_t to) {
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

void table_rescue::take(const sqlite_statement& row) {
  for (int i = 0; i < columns_; ++i) insert_->bind_value(i + 1, row, i + 1);
  try {
    insert_->run();
  } catch (const sqlite_error& wrong) {
    // A row that violates the table's constraints is damaged.
    if (wrong.code() != SQLITE_CONSTRAINT && wrong.code() != SQLITE_MISMATCH) throw;
  }
}

}  // namespace greenroom::machine
