// The journal's tables, version by version.
#pragma once

#include "runtime/machine/journal/sqlite.hpp"

namespace greenroom::machine {

/// What `PRAGMA user_version` says of a file that this program writes.
constexpr std::int64_t journal_version = 3;
/// `PRAGMA application_id` of a journal: "GRJN".
constexpr std::int64_t journal_application = 0x47524a4e;

/// Creates the tables in an empty file, brings an older version to this one (a step a version, all
/// in one transaction), and throws `sqlite_error` with a message for the operator for a file of a
/// newer version, of another application, or a damaged one. A `wanted` version below the newest
/// makes a file as an older program left it, for tests. Of a large file the pages are looked at
/// only with `all_pages`.
void prepare_journal_schema(sqlite_connection& db, std::int64_t wanted = journal_version,
                            bool all_pages = false);
/// Throws unless every page is as it should be; of a large file only with `all`.
void check_journal_pages(sqlite_connection& db, bool all);

/// For readers: throws unless the file has exactly this version.
void check_journal_schema(sqlite_connection& db);

}  // namespace greenroom::machine
