// Puts a new file in the place of the journal's file, and sets files aside. A crash at any point
// leaves one whole journal.
#pragma once

#include "runtime/machine/journal/journal_mark.hpp"
#include "runtime/machine/journal/sqlite.hpp"

#include <unistd.h>

#include <functional>
#include <string>
#include <utility>

namespace greenroom::machine {

/// The files of a temporary database, removed by the destructor.
class temporary_database {
public:
  explicit temporary_database(std::string path) : path_{std::move(path)} { remove(); }
  ~temporary_database() { remove(); }
  temporary_database(const temporary_database&) = delete;
  temporary_database& operator=(const temporary_database&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  void remove() const {
    for (const auto* ending : {"", "-wal", "-shm", "-journal"}) ::unlink((path_ + ending).c_str());
  }
  std::string path_;
};

/// The path at which a damaged journal's readable pages are collected.
[[nodiscard]] std::string journal_image_of(const std::string& path);

/// Creates an empty file with mode 0600; SQLite would apply the umask. Throws `sqlite_error`.
void create_private_file(const std::string& path);

/// Renames the file and the log, or the log alone, to `PATH.damaged-TIME…`. Returns the new name.
/// Throws `sqlite_error`.
[[nodiscard]] std::string set_journal_aside(const std::string& path);
[[nodiscard]] std::string set_log_aside(const std::string& path);
/// `PATH.damaged-TIME`, with a number appended if that name is taken.
[[nodiscard]] std::string free_name_for(const std::string& path);

/// Copies the open database to a new file `to`, even if the database's files have lost their names.
/// Copies `pages` a step and calls `go_on` between steps. Throws `sqlite_error`.
void copy_open_database(sqlite_connection& from, const std::string& to, int pages,
                        const std::function<bool()>& go_on);

/// Replaces the journal's file with `fresh`, which must be `replacement_of(path)`. The old file is
/// kept under the name `aside` (empty: it is not kept). The old log is set aside if `keep_log`;
/// else it is removed, because `fresh` holds all of it. After a crash in between, the next start
/// finishes the replacement from the mark. Throws `sqlite_error` and leaves the mark unchanged.
void replace_journal(const std::string& path, const std::string& fresh, journal_mark mark,
                     const std::string& aside, bool keep_log);

/// The path at which the replacement of the journal at `path` is built.
[[nodiscard]] std::string replacement_of(const std::string& path);

/// Finishes a replacement that the mark records and that a crash interrupted. The old log stays.
/// Returns the old file's new path; empty: the file was renamed before the crash, or there is none.
/// Throws `sqlite_error`.
[[nodiscard]] std::string finish_replacement(const std::string& path);

}  // namespace greenroom::machine
