// How a task is read from the journal's tables, the same for the writer and for readers.
#pragma once

#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/journal/sqlite.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::machine {

/// The columns that `read_task` expects, from `task`, its names, its start and its end.
inline constexpr const char* task_columns = R"sql(
  task.row, epoch.epoch, task.number, specialist.text, department.text, task.urgency, task.effects,
  task.accepted_ms, task.deadline_ms, task.request_hash, task.key, task.case_id, task.input,
  start.attempts, "end".state, "end".why, "end".cold_start, "end".attempts, "end".pool,
  "end".ended_ms, "end".queue_us, "end".start_us, "end".run_us, "end".total_us, "end".output,
  task.sum, start.sum, "end".sum
)sql";
/// The same for lists: without the input and the output, which may be megabytes.
inline constexpr const char* listed_columns = R"sql(
  task.row, epoch.epoch, task.number, specialist.text, department.text, task.urgency, task.effects,
  task.accepted_ms, task.deadline_ms, task.request_hash, task.key, task.case_id, '',
  start.attempts, "end".state, "end".why, "end".cold_start, "end".attempts, "end".pool,
  "end".ended_ms, "end".queue_us, "end".start_us, "end".run_us, "end".total_us, '',
  NULL, start.sum, NULL, "end".sum
)sql";
/// Where the checksum of an end stands in `listed_columns`: it is of the output, too.
constexpr int listed_end_sum = 28;
/// Where they come from. `CROSS JOIN` keeps SQLite's planner to this order: task first.
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

/// Between the oldest task that has not ended and the newest one: a bit each in memory, 64 MiB.
constexpr std::int64_t unfinished_span_most = std::int64_t{1} << 29;

/// A time of the wall clock, within what can be written as one.
[[nodiscard]] std::int64_t read_unix_ms(std::int64_t value);
/// The number of the row after this one.
[[nodiscard]] inline std::int64_t row_after(std::int64_t row) {
  return row < std::numeric_limits<std::int64_t>::max() ? row + 1 : row;
}
/// Rows from `summed_from` on have checksums; those before, which an older format wrote, need none.
[[nodiscard]] stored_task read_task(const sqlite_statement& row, std::int64_t summed_from);

// The checksums, of the values as they are stored.
[[nodiscard]] std::int64_t sum_of_task(std::int64_t row, const accept_record& task);
[[nodiscard]] std::int64_t sum_of_start(std::int64_t row, const protocols::task_id& id,
                                        std::int64_t attempts);
/// An end's numbers, in the order of their columns.
struct stored_end {
  std::int64_t state = 0, why = 0, cold_start = 0, attempts = 0, pool = 0, ended_ms = 0;
  std::int64_t queue_us = 0, start_us = 0, run_us = 0, total_us = 0;
};
[[nodiscard]] std::int64_t sum_of_end(std::int64_t row, const protocols::task_id& id,
                                      const stored_end& numbers, std::string_view output);
[[nodiscard]] std::int64_t sum_of_state(std::string_view name, std::string_view value);
[[nodiscard]] std::int64_t sum_of_event(std::string_view kind, std::int64_t unix_ms,
                                        std::string_view json);

/// The end of a task whose own cannot be read.
[[nodiscard]] end_record unknown_end_of(const protocols::task_id& id, std::string why,
                                        std::int64_t unix_ms);
/// Of a row of `listed_columns`: whether the output that was read beside it is the one that was
/// written. Rows without a checksum match.
[[nodiscard]] bool end_matches(const sqlite_statement& row, int column,
                               const protocols::task_id& id, std::string_view output);
/// What is left of a task whose record is damaged.
void mark_damaged(stored_task& task);

/// Runs `body` and turns what it throws into the value that callers of the journal see.
template <class Result, class Body>
journal_result<Result> as_result(Body&& body) {
  try {
    return journal_result<Result>{std::in_place_index<0>, body()};
  } catch (const std::exception& wrong) {
    return journal_error{wrong.what()};
  }
}

}  // namespace greenroom::machine
