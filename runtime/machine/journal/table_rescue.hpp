// Copies the rows of one table of a damaged journal.
#pragma once

#include "runtime/machine/journal/sqlite.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace greenroom::machine {

/// No row of a journal has a larger number.
constexpr std::int64_t rescued_row_most = std::int64_t{1} << 53;

[[nodiscard]] std::vector<std::string> columns_of(sqlite_connection& db, const char* table);

/// Copies one table's rows and skips unreadable pages.
class table_rescue {
public:
  table_rescue(sqlite_connection& from, sqlite_connection& to, const char* table,
               std::int64_t last_row);

  /// True when every page of the table was readable. Throws `sqlite_error` when the disk is full or
  /// fails.
  bool run();

private:
  /// False at an unreadable page; `at` is the last row that was read.
  bool walk(const char* condition, std::int64_t& at, int direction, std::int64_t bound = 0);
  void single(std::int64_t from, std::int64_t to);
  void take(const sqlite_statement& row);

  sqlite_connection& from_;
  std::int64_t last_row_;
  std::string name_, list_;
  int columns_ = 0;
  std::unique_ptr<sqlite_statement> insert_;
};

}  // namespace greenroom::machine
