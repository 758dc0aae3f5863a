// What a bare batched SQLite insert and a bare write-and-flush can do on this disk: the floors that
// the journal is measured against, run in the same minute as it.
#pragma once

#include <cstddef>
#include <string>
#include <variant>

namespace greenroom::bench {

struct floor_options {
  std::string directory;        ///< An existing directory on the disk to be measured.
  std::size_t batch = 64;       ///< Rows a transaction.
  std::size_t row_bytes = 256;  ///< Payload of a row.
  bool fsync = true;            ///< synchronous=FULL; otherwise NORMAL, as the journal does it.
  double seconds = 2;           ///< How long to measure.
};

struct floor_result {
  double tasks_per_s = 0;
  double commits_per_s = 0;
  double p50_us = 0, p99_us = 0, p999_us = 0;  ///< Of one commit.
};

/// An error is a sentence for people.
using floor_outcome = std::variant<floor_result, std::string>;

/// One table (an integer key and the payload), one prepared statement, `batch` rows a transaction,
/// in a write-ahead log, with SQLite's own settings otherwise. The file is removed afterwards.
[[nodiscard]] floor_outcome sqlite_insert_floor(const floor_options& options);

}  // namespace greenroom::bench
