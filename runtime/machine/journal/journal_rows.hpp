// How a task is read from the journal's tables, the same for the writer and for readers.
#pragma once

#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/journal/sqlite.hpp"

#include <limits>
#include <string>

namespace greenroom::machine {

/// The columns that `read_task` expects, from `task`, its names, its start and its end.
inline constexpr const char* task_columns = R"sql(
  task.row, epoch.epoch, task.number, specialist.text, department.text, task.urgency, task.effects,
  task.accepted_ms, task.deadline_ms, task.request_hash, task.key, task.case_id, task.input,
  start.attempts, "end".state, "end".why, "end".cold_start, "end".attempts, "end".pool,
  "end".ended_ms, "end".queue_us, "end".start_us, "end".run_us, "end".total_us, "end".output
)sql";
/// The same for lists: without the input and the output, which may be megabytes.
inline constexpr const char* listed_columns = R"sql(
  task.row, epoch.epoch, task.number, specialist.text, department.text, task.urgency, task.effects,
  task.accepted_ms, task.deadline_ms, task.request_hash, task.key, task.case_id, '',
  start.attempts, "end".state, "end".why, "end".cold_start, "end".attempts, "end".pool,
  "end".ended_ms, "end".queue_us, "end".start_us, "end".run_us, "end".total_us, ''
)sql";
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

/// Every number is checked, and one that cannot be is replaced by the most careful one that can.
[[nodiscard]] stored_task read_task(const sqlite_statement& row);
/// A time of the wall clock, within what can be written as one.
[[nodiscard]] std::int64_t read_unix_ms(std::int64_t value);
/// The number of the row after this one.
[[nodiscard]] inline std::int64_t row_after(std::int64_t row) {
  return row < std::numeric_limits<std::int64_t>::max() ? row + 1 : row;
}

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
