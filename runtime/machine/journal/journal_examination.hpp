// Compares the journal's files with the mark before SQLite opens them.
#pragma once

#include "runtime/machine/journal/journal_mark.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace greenroom::machine {

/// What is wrong with the files, and what to do.
struct journal_finding {
  enum class help : std::uint8_t { rescue, set_log_aside };
  std::string what;
  help how = help::rescue;
};

/// Nothing when the files are sound as far as this can be seen. SQLite must not have opened the
/// files yet: SQLite uses the readable part of a log and silently drops the rest. `expected`: the
/// identity that the journal must have; empty: any.
[[nodiscard]] std::optional<journal_finding> examine_journal(
    const std::string& path, const std::optional<journal_mark>& mark, const std::string& expected);

/// True when a log that was not copied into the file is missing. Its content may still be in the
/// file, if another program has closed the journal.
[[nodiscard]] bool wal_is_missing(const std::string& path, const std::optional<journal_mark>& mark);

}  // namespace greenroom::machine
