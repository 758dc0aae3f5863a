// Saves the readable rows of a damaged journal, and sets the damaged files aside.
#pragma once

#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/journal/journal_mark.hpp"
#include "runtime/machine/journal/sqlite.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::machine {

/// The meaning of the numbers in rows, as far as it is known outside the files.
struct known_numbers {
  std::vector<std::pair<std::int64_t, std::string>> names;
  std::vector<std::pair<std::int64_t, std::uint64_t>> epochs;
};

/// Builds a new journal from all readable rows in the file and the log, and puts the new journal in
/// their place; the old files are renamed to `PATH.damaged-TIME` and `…-wal`. No connection may be
/// open. Throws `sqlite_error` on failure (a full disk) and leaves everything unchanged.
[[nodiscard]] journal_damage rescue_journal(const std::string& path,
                                            const std::optional<journal_mark>& mark,
                                            const std::string& why,
                                            const known_numbers& known = {});

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
