// What can be saved of a journal that is damaged, and where the rest goes.
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

/// What numbers in rows stand for, as far as it is known outside of the files.
struct known_numbers {
  std::vector<std::pair<std::int64_t, std::string>> names;
  std::vector<std::pair<std::int64_t, std::uint64_t>> epochs;
};

/// Makes a new journal of all rows that can be read in the file and in its log, and puts it in
/// their place; they are renamed to `PATH.damaged-TIME` and `…-wal`. Nobody has any of them open.
/// Throws `sqlite_error` when it cannot be done (a full disk): then everything is as it was.
[[nodiscard]] journal_damage rescue_journal(const std::string& path,
                                            const std::optional<journal_mark>& mark,
                                            const std::string& why,
                                            const known_numbers& known = {});

/// Renames the file and its log, or the log alone, to `PATH.damaged-TIME…`. Returns that name.
/// Throws `sqlite_error`.
[[nodiscard]] std::string set_journal_aside(const std::string& path);
[[nodiscard]] std::string set_log_aside(const std::string& path);
/// `PATH.damaged-TIME`, or with a number behind it: nothing has that name.
[[nodiscard]] std::string free_name_for(const std::string& path);

/// Copies the database that is open, whatever has become of its files' names, to a new file `to`.
/// `pages` a step, between which `go_on` is asked; throws `sqlite_error`.
void copy_open_database(sqlite_connection& from, const std::string& to, int pages,
                        const std::function<bool()>& go_on);

/// Puts `fresh` in the place of the journal's file, which keeps its content under the name `aside`
/// (empty: it has none). The old log is set aside too, or removed when `fresh` has all of it. After
/// a crash in the middle of it the next start finishes it, by the mark. `fresh` is
/// `replacement_of(path)`. Throws `sqlite_error`; then the mark is as it was.
void replace_journal(const std::string& path, const std::string& fresh, journal_mark mark,
                     const std::string& aside, bool keep_log);

/// Where the journal that replaces the one at `path` is made.
[[nodiscard]] std::string replacement_of(const std::string& path);

/// Renames a replacement that the mark knows and that its node, which ended, had not renamed yet.
/// The old log stays. Returns where the old file is now; empty: it had its second name already, or
/// there is none. Throws `sqlite_error`.
[[nodiscard]] std::string finish_replacement(const std::string& path);

}  // namespace greenroom::machine
