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

}  // namespace greenroom::machine
