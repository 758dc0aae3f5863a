#include "runtime/machine/journal/sqlite.hpp"

#include <mutex>

namespace greenroom::machine {

namespace {

/// The remedy for a failure, as far as the code determines it.
std::string advice(int code, const std::string& path) {
  switch (code & 0xff) {
    case SQLITE_FULL: return "; free some space, the node goes on by itself";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "; the file is damaged or no journal: stop the node, then restore a copy, or save what "
             "can be read with `sqlite3 " + path + " .recover`, or move it away (with its -wal and "
             "-shm) to start with an empty one";
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return "; check that the directory and the file belong to the node's user";
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return "; another program holds the file";
    case SQLITE_IOERR: return "; the disk may be full or failing, see the kernel's log";
    default: return {};
  }
}

/// SQLite's memory statistics cost a global lock for each allocation and are not used.
void configure_once() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

/// A path as part of a URI.
std::string in_uri(const std::string& path) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string result;
  for (const char letter : path) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '%' || letter == '?' || letter == '#' || byte < 0x20) {
      result += '%';
      result += digits[byte >> 4U];
      result += digits[byte & 0xfU];
    } else {
      result += letter;
    }
  }
  return result;
}

}  // namespace

sqlite_connection::sqlite_connection(const std::string& path, mode how) : path_{path} {
  configure_once();
  int flags = SQLITE_OPEN_NOMUTEX;
  switch (how) {
    case mode::read_write: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; break;
    case mode::read_only: flags |= SQLITE_OPEN_READONLY; break;
    case mode::image: flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI; break;
  }
  const auto name = how == mode::image ? "file:" + in_uri(path) + "?immutable=1" : path;
  const int code = sqlite3_open_v2(name.c_str(), &db_, flags, nullptr);
  if (code != SQLITE_OK) {
    const std::string what = path + ": " + sqlite3_errstr(code) + advice(code, path);
    sqlite3_close(db_);
    throw sqlite_error{code, what};
  }
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, busy_timeout_ms);
}

sqlite_connection::~sqlite_connection() { sqlite3_close(db_); }

void sqlite_connection::fail(int code) const { fail(code, sqlite3_errmsg(db_)); }

void sqlite_connection::fail(int code, const std::string& what) const {
  throw sqlite_error{code & 0xff, path_ + ": " + what + advice(code, path_)};
}

void sqlite_connection::run(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

void sqlite_connection::keep_log_when_closed() {
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  int on = 1;
  sqlite3_file_control(db_, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
}

std::int64_t sqlite_connection::number(const char* sql) {
  sqlite_statement query{*this, sql};
  return query.step() ? query.number(0) : 0;
}

std::string sqlite_connection::text(const char* sql) {
  sqlite_statement query{*this, sql};
  return query.step() ? std::string{query.text(0)} : std::string{};
}

sqlite_statement::sqlite_statement(sqlite_connection& connection, std::string_view sql)
    : connection_{connection} {
  const int code = sqlite3_prepare_v3(connection.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  if (code != SQLITE_OK) connection.fail(code);
}

sqlite_statement::~sqlite_statement() { sqlite3_finalize(statement_); }

sqlite_statement& sqlite_statement::bind(int place, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, place, value);
  if (code != SQLITE_OK) connection_.fail(code);
  return *this;
}

sqlite_statement& sqlite_statement::bind(int place, std::string_view value) {
  // An empty view may have a null pointer, which SQLite would bind as NULL.
  const char* bytes = value.data() ? value.data() : "";
  const int code =
      sqlite3_bind_text64(statement_, place, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) connection_.fail(code);
  return *this;
}

sqlite_statement& sqlite_statement::bind_or_null(int place, std::string_view value) {
  if (!value.empty()) return bind(place, value);
  sqlite3_bind_null(statement_, place);
  return *this;
}

sqlite_statement& sqlite_statement::bind_value(int place, const sqlite_statement& row, int column) {
  const int code =
      sqlite3_bind_value(statement_, place, sqlite3_column_value(row.statement_, column));
  if (code != SQLITE_OK) connection_.fail(code);
  return *this;
}

bool sqlite_statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    // Read the message before the reset, which releases the statement's locks.
    const std::string what = connection_.path() + ": " + sqlite3_errmsg(connection_.get())
                             + advice(code, connection_.path());
    sqlite3_reset(statement_);
    throw sqlite_error{code & 0xff, what};
  }
  sqlite3_reset(statement_);
  return false;
}

std::string_view sqlite_statement::text(int column) const {
  // Ask for the size after the text, because the first call may convert the value.
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (!bytes) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace greenroom::machine
