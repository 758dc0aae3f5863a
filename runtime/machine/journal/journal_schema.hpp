// The journal's tables, version by version.
#pragma once

#include "runtime/machine/journal/sqlite.hpp"

namespace greenroom::machine {

/// The `PRAGMA user_version` that this program writes.
constexpr std::int64_t journal_version = 3;
/// `PRAGMA application_id` of a journal: "GRJN".
constexpr std::int64_t journal_application = 0x47524a4e;

/// Creates the tables in an empty file, or migrates an older version step by step in one
/// transaction. Throws `sqlite_error` with a message for the operator if the file is of a newer
/// version, of another application, or damaged. A lower `wanted` version creates a file of an older
/// format, for tests. Without `all_pages`, the pages of a large file are not checked.
void prepare_journal_schema(sqlite_connection& db, std::int64_t wanted = journal_version,
                            bool all_pages = false);
/// Throws unless every page is sound; without `all`, a large file is not checked.
void check_journal_pages(sqlite_connection& db, bool all);

/// For readers: throws unless the file has this exact version.
void check_journal_schema(sqlite_connection& db);

}  // namespace greenroom::machine
