// SQLite connections and prepared statements that close themselves. A failed call throws
// `sqlite_error`, which the journal turns into a value.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace greenroom::machine {

/// How long a connection waits for another connection before it fails. The journal's lock keeps
/// other nodes out, so the wait is for an operator's sqlite3 shell, or for another connection of
/// this process that recovers the log.
constexpr int busy_timeout_ms = 5000;

/// SQLite's message with the file's name and, where known, the remedy.
class sqlite_error : public std::runtime_error {
public:
  sqlite_error(int code, const std::string& what) : std::runtime_error{what}, code_{code} {}
  [[nodiscard]] int code() const { return code_; }  ///< Primary result code, e.g. SQLITE_FULL.

private:
  int code_;
};

/// A connection for one thread at a time.
class sqlite_connection {
public:
  /// `image`: a file without writers, opened without a log and without locks.
  enum class mode : std::uint8_t { read_write, read_only, image };
  sqlite_connection(const std::string& path, mode how);
  ~sqlite_connection();
  sqlite_connection(const sqlite_connection&) = delete;
  sqlite_connection& operator=(const sqlite_connection&) = delete;

  [[nodiscard]] sqlite3* get() const { return db_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Runs statements and ignores the rows.
  void run(const char* sql);
  /// The first column of the first row, or 0.
  [[nodiscard]] std::int64_t number(const char* sql);
  /// The first column of the first row, or "".
  [[nodiscard]] std::string text(const char* sql);
  /// The last connection to close would checkpoint the log and delete it by name, which may be
  /// another log's name by then. After this call, the owner must checkpoint before closing.
  void keep_log_when_closed();
  /// True while a transaction is open.
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
  [[noreturn]] void fail(int code) const;
  /// The same for a code that no failed call returned.
  [[noreturn]] void fail(int code, const std::string& what) const;

private:
  std::string path_;
  sqlite3* db_ = nullptr;
};

/// A prepared statement. Bound texts are not copied: each text must live until the last `step`.
class sqlite_statement {
public:
  sqlite_statement(sqlite_connection& connection, std::string_view sql);
  ~sqlite_statement();
  sqlite_statement(const sqlite_statement&) = delete;
  sqlite_statement& operator=(const sqlite_statement&) = delete;

  /// Parameters count from 1, as in SQLite.
  sqlite_statement& bind(int place, std::int64_t value);
  sqlite_statement& bind(int place, std::string_view value);
  sqlite_statement& bind_or_null(int place, std::string_view value);  ///< Empty becomes NULL.

  /// Binds the value of another statement's column, whatever the value's type.
  sqlite_statement& bind_value(int place, const sqlite_statement& row, int column);

  /// Returns true when there is a row. A finished statement is reset at once.
  bool step();
  /// For statements without rows.
  void run() {
    while (step()) {
    }
  }
  void reset() { sqlite3_reset(statement_); }

  /// Columns count from 0. A text is valid until the next step or reset.
  [[nodiscard]] std::int64_t number(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] bool null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }

private:
  sqlite_connection& connection_;
  sqlite3_stmt* statement_ = nullptr;
};

/// Resets a statement on every exit from a loop over its rows, so that no read transaction stays
/// open.
class reset_at_exit {
public:
  explicit reset_at_exit(sqlite_statement& statement) : statement_{statement} {}
  ~reset_at_exit() { statement_.reset(); }
  reset_at_exit(const reset_at_exit&) = delete;
  reset_at_exit& operator=(const reset_at_exit&) = delete;

private:
  sqlite_statement& statement_;
};

}  // namespace greenroom::machine
