#include "runtime/machine/journal/journal_rows.hpp"

#include "runtime/machine/journal/row_sum.hpp"

#include <algorithm>
#include <limits>

namespace greenroom::machine {

namespace {

constexpr std::uint64_t task_kind = 1, start_kind = 2, end_kind = 3, state_kind = 4, event_kind = 5;
constexpr std::int64_t attempts_max = 1'000'000'000;

/// RFC 3339 ends with the year 9999.
constexpr std::int64_t last_unix_ms = 253'402'300'799'999;
/// No task takes a hundred years.
constexpr std::int64_t longest_ms = std::int64_t{100} * 366 * 24 * 3600 * 1000;

/// Clamps, so that later sums and products of these times do not overflow.
double milliseconds(std::int64_t microseconds) {
  return static_cast<double>(std::clamp<std::int64_t>(microseconds, 0, longest_ms * 1000)) / 1000;
}

/// Converts a number of a row, which may be damaged; false when it is no value of the enum.
template <class Enum>
bool name_from(std::int64_t number, Enum first, Enum last, Enum& to) {
  if (number < static_cast<std::int64_t>(first) || number > static_cast<std::int64_t>(last))
    return false;
  to = static_cast<Enum>(number);
  return true;
}

/// Whether the sum in `column` matches; an old row has no sum.
bool matches(const sqlite_statement& row, int column, std::int64_t sum, bool old) {
  return row.null(column) ? old : row.number(column) == sum;
}

stored_end end_numbers(const sqlite_statement& row, int at) {
  return {row.number(at),     row.number(at + 1), row.number(at + 2), row.number(at + 3),
          row.number(at + 4), row.number(at + 5), row.number(at + 6), row.number(at + 7),
          row.number(at + 8), row.number(at + 9)};
}

/// False when the row cannot have been written by this program.
bool read_end(const sqlite_statement& row, int at, end_record& end) {
  const auto numbers = end_numbers(row, at);
  if (!name_from(numbers.state, protocols::task_state::completed, protocols::task_state::unknown,
                 end.state)
      || !name_from(numbers.why, protocols::failure::none, protocols::failure::unknown_end, end.why)
      || !name_from(numbers.pool, protocols::pool_kind::intelligent, protocols::pool_kind::baseline,
                    end.pool)
      || numbers.attempts < 0 || numbers.attempts > attempts_max)
    return false;
  end.cold_start = numbers.cold_start != 0;
  end.attempts = static_cast<std::uint32_t>(numbers.attempts);
  end.ended_unix_ms = read_unix_ms(numbers.ended_ms);
  end.queue_ms = milliseconds(numbers.queue_us);
  end.start_ms = milliseconds(numbers.start_us);
  end.run_ms = milliseconds(numbers.run_us);
  end.total_ms = milliseconds(numbers.total_us);
  end.output = row.text(at + 10);
  return true;
}

}  // namespace

std::int64_t read_unix_ms(std::int64_t value) {
  return std::clamp<std::int64_t>(value, 0, last_unix_ms);
}

bool end_matches(const sqlite_statement& row, int column, const protocols::task_id& id,
                 std::string_view output) {
  return row.null(column)
         || row.number(column) == sum_of_end(row.number(0), id, end_numbers(row, 14), output);
}

void mark_damaged(stored_task& task) {
  task.damaged = true;
  task.ended = unknown_end_of(
      task.accepted.id, "the journal's record of this task is damaged, so its end is not known",
      task.accepted.accepted_unix_ms);
  task.state = task.ended->state;
  task.attempts = task.ended->attempts;
}

std::int64_t sum_of_task(std::int64_t row, const accept_record& task) {
  return row_sum{task_kind}
      .add(row)
      .add(task.id.epoch)
      .add(task.id.number)
      .add(std::string_view{task.specialist})
      .add(std::string_view{task.department})
      .add(static_cast<std::uint64_t>(task.urgency))
      .add(static_cast<std::uint64_t>(task.effects))
      .add(task.accepted_unix_ms)
      .add(task.deadline_unix_ms)
      .add(task.request_hash)
      .add(std::string_view{task.idempotency_key})
      .add(std::string_view{task.case_id})
      .add(std::string_view{task.input})
      .value();
}

std::int64_t sum_of_start(std::int64_t row, const protocols::task_id& id, std::int64_t attempts) {
  return row_sum{start_kind}.add(row).add(id.epoch).add(id.number).add(attempts).value();
}

std::int64_t sum_of_end(std::int64_t row, const protocols::task_id& id, const stored_end& numbers,
                        std::string_view output) {
  return row_sum{end_kind}
      .add(row)
      .add(id.epoch)
      .add(id.number)
      .add(numbers.state)
      .add(numbers.why)
      .add(numbers.cold_start)
      .add(numbers.attempts)
      .add(numbers.pool)
      .add(numbers.ended_ms)
      .add(numbers.queue_us)
      .add(numbers.start_us)
      .add(numbers.run_us)
      .add(numbers.total_us)
      .add(output)
      .value();
}

std::int64_t sum_of_state(std::string_view name, std::string_view value) {
  return row_sum{state_kind}.add(name).add(value).value();
}

std::int64_t sum_of_event(std::string_view kind, std::int64_t unix_ms, std::string_view json) {
  return row_sum{event_kind}.add(kind).add(unix_ms).add(json).value();
}

end_record unknown_end_of(const protocols::task_id& id, std::string why, std::int64_t unix_ms) {
  end_record end;
  end.id = id;
  end.state = protocols::task_state::unknown;
  end.why = protocols::failure::unknown_end;
  end.output = std::move(why);
  end.ended_unix_ms = unix_ms;
  return end;
}

stored_task read_task(const sqlite_statement& row, std::int64_t summed_from) {
  stored_task task;
  auto& accepted = task.accepted;
  const auto number = row.number(0);
  const bool old = number < summed_from;
  accepted.id = {unsigned_of(row.number(1)), unsigned_of(row.number(2))};
  accepted.specialist = row.text(3);
  accepted.department = row.text(4);
  const bool named = name_from(row.number(5), protocols::priority::low, protocols::priority::high,
                               accepted.urgency)
                     && name_from(row.number(6), protocols::side_effects::none,
                                  protocols::side_effects::unsafe, accepted.effects);
  accepted.accepted_unix_ms = row.number(7);
  accepted.deadline_unix_ms = row.number(8);
  accepted.request_hash = unsigned_of(row.number(9));
  accepted.idempotency_key = row.text(10);
  accepted.case_id = row.text(11);
  accepted.input = row.text(12);
  task.damaged = !named || !matches(row, 25, sum_of_task(number, accepted), old);
  // If a damaged row hides the effects, assume unsafe, so that the task is not run twice.
  if (!named) accepted.effects = protocols::side_effects::unsafe;
  // The checksum covers the stored values; from here on the times are clamped for arithmetic.
  accepted.accepted_unix_ms = read_unix_ms(accepted.accepted_unix_ms);
  accepted.deadline_unix_ms = std::clamp(accepted.deadline_unix_ms, accepted.accepted_unix_ms,
                                         accepted.accepted_unix_ms + longest_ms);
  if (!row.null(13)) {
    task.state = protocols::task_state::running;
    const auto attempts = row.number(13);
    if (!matches(row, 26, sum_of_start(number, accepted.id, attempts), old)) task.damaged = true;
    // Earlier versions did not count the attempt that begins.
    task.attempts = static_cast<std::uint32_t>(std::clamp<std::int64_t>(attempts, 1, attempts_max));
  }
  if (!row.null(14)) {
    end_record end;
    end.id = accepted.id;
    if (read_end(row, 14, end)
        && matches(row, 27, sum_of_end(number, accepted.id, end_numbers(row, 14), row.text(24)),
                   old)) {
      task.ended = std::move(end);
    } else {
      task.damaged = true;
    }
  }
  if (task.damaged && !task.ended)
    task.ended = unknown_end_of(
        accepted.id, "the journal's record of this task is damaged, so its end is not known",
        accepted.accepted_unix_ms);
  if (task.ended) {
    task.state = task.ended->state;
    task.attempts = task.ended->attempts;
  }
  return task;
}

}  // namespace greenroom::machine
