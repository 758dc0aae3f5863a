// The rates of a bare batched SQLite insert and of a bare write-and-flush on this disk: the floors
// for the journal benchmark, measured in the same minute.
#pragma once

#include <cstddef>
#include <string>
#include <variant>

namespace greenroom::bench {

struct floor_options {
  std::string directory;        ///< An existing directory on the disk to measure.
  std::size_t batch = 64;       ///< Rows a transaction.
  std::size_t row_bytes = 256;  ///< Payload of a row.
  bool fsync = true;            ///< synchronous=FULL; otherwise NORMAL, as the journal uses.
  double seconds = 2;           ///< How long to measure.
};

struct floor_result {
  double tasks_per_s = 0;
  double commits_per_s = 0;
  double p50_us = 0, p99_us = 0, p999_us = 0;  ///< Of one commit.
};

/// The string is an error message.
using floor_outcome = std::variant<floor_result, std::string>;

/// One table (an integer key and the payload), one prepared statement, `batch` rows per
/// transaction, write-ahead log, otherwise SQLite's defaults. The file is removed afterwards.
[[nodiscard]] floor_outcome sqlite_insert_floor(const floor_options& options);

}  // namespace greenroom::bench
