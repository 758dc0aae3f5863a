// Reads a task from the journal's tables, for the writer and for readers.
#pragma once

#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/journal/sqlite.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace greenroom::machine {

/// The columns that `read_task` expects, from the tables below.
inline constexpr const char* task_columns = R"sql(
  task.row, epoch.epoch, task.number, specialist.text, department.text, task.urgency, task.effects,
  task.accepted_ms, task.deadline_ms, task.request_hash, task.key, task.case_id, task.input,
  start.attempts, "end".state, "end".why, "end".cold_start, "end".attempts, "end".pool,
  "end".ended_ms, "end".queue_us, "end".start_us, "end".run_us, "end".total_us, "end".output,
  task.sum, start.sum, "end".sum
)sql";
/// For lists: the same columns without input and output, which may be megabytes.
inline constexpr const char* listed_columns = R"sql(
  task.row, epoch.epoch, task.number, specialist.text, department.text, task.urgency, task.effects,
  task.accepted_ms, task.deadline_ms, task.request_hash, task.key, task.case_id, '',
  start.attempts, "end".state, "end".why, "end".cold_start, "end".attempts, "end".pool,
  "end".ended_ms, "end".queue_us, "end".start_us, "end".run_us, "end".total_us, '',
  NULL, start.sum, NULL, "end".sum
)sql";
/// The column of an end's checksum in `listed_columns`. The checksum covers the output too.
constexpr int listed_end_sum = 28;
/// The tables of these columns. `CROSS JOIN` makes SQLite's planner keep this order: task first.
inline constexpr const char* task_tables = R"sql(
  task CROSS JOIN epoch ON epoch.number = task.epoch
  CROSS JOIN name AS specialist ON specialist.number = task.specialist
  CROSS JOIN name AS department ON department.number = task.department
  LEFT JOIN start ON start.row = task.row
  LEFT JOIN "end" ON "end".row = task.row
)sql";

[[nodiscard]] inline std::uint64_t unsigned_of(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}
[[nodiscard]] inline std::int64_t signed_of(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

/// Limit on the rows between the oldest unfinished task and the newest task: one bit each, 64 MiB.
constexpr std::int64_t unfinished_span_most = std::int64_t{1} << 29;

/// Clamps a wall-clock time to the range that can be printed as a date.
[[nodiscard]] std::int64_t read_unix_ms(std::int64_t value);
/// The next row's number.
[[nodiscard]] inline std::int64_t row_after(std::int64_t row) {
  return row < std::numeric_limits<std::int64_t>::max() ? row + 1 : row;
}
/// Rows from `summed_from` on have checksums; older rows (an older format) have none.
[[nodiscard]] stored_task read_task(const sqlite_statement& row, std::int64_t summed_from);

// Checksums of the values as stored.
[[nodiscard]] std::int64_t sum_of_task(std::int64_t row, const accept_record& task);
[[nodiscard]] std::int64_t sum_of_start(std::int64_t row, const protocols::task_id& id,
                                        std::int64_t attempts);
/// An end's numbers, in the order of the columns.
struct stored_end {
  std::int64_t state = 0, why = 0, cold_start = 0, attempts = 0, pool = 0, ended_ms = 0;
  std::int64_t queue_us = 0, start_us = 0, run_us = 0, total_us = 0;
};
[[nodiscard]] std::int64_t sum_of_end(std::int64_t row, const protocols::task_id& id,
                                      const stored_end& numbers, std::string_view output);
[[nodiscard]] std::int64_t sum_of_state(std::string_view name, std::string_view value);
[[nodiscard]] std::int64_t sum_of_event(std::string_view kind, std::int64_t unix_ms,
                                        std::string_view json);

/// Replaces an end that cannot be read.
[[nodiscard]] end_record unknown_end_of(const protocols::task_id& id, std::string why,
                                        std::int64_t unix_ms);
/// For a row of `listed_columns`: whether `output`, read separately, matches the end's checksum.
/// Rows without a checksum match.
[[nodiscard]] bool end_matches(const sqlite_statement& row, int column,
                               const protocols::task_id& id, std::string_view output);
/// Clears the fields of a damaged task that cannot be trusted.
void mark_damaged(stored_task& task);

/// Runs `body` and turns an exception into a problem.
template <class Result, class Body>
base::expected<Result> as_result(Body&& body) {
  try {
    if constexpr (std::is_void_v<Result>) {
      body();
      return {};
    } else {
      return static_cast<Result>(body());
    }
  } catch (const std::exception& wrong) {
    return journal_problem(wrong.what());
  }
}

}  // namespace greenroom::machine
