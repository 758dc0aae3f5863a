#include "runtime/machine/journal/journal_rows.hpp"

#include <algorithm>
#include <limits>

namespace greenroom::machine {

namespace {

// Whatever the file says, what is read is a value that this program could have written: numbers
// become enumerations, sums and products of times further up.

/// RFC 3339 ends with the year 9999.
constexpr std::int64_t last_unix_ms = 253'402'300'799'999;
/// No task takes a hundred years.
constexpr std::int64_t longest_ms = std::int64_t{100} * 366 * 24 * 3600 * 1000;

double milliseconds(std::int64_t microseconds) {
  return static_cast<double>(std::clamp<std::int64_t>(microseconds, 0, longest_ms * 1000)) / 1000;
}

/// `otherwise` when it is none of those up to `last`.
template <class Enumeration>
Enumeration one_of(std::int64_t value, Enumeration last, Enumeration otherwise) {
  return value >= 0 && value <= static_cast<std::int64_t>(last) ? static_cast<Enumeration>(value)
                                                                : otherwise;
}

std::uint32_t attempts_of(std::int64_t value) {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(value, 0, std::numeric_limits<std::uint32_t>::max()));
}

end_record read_end(const sqlite_statement& row, int at, const protocols::task_id& id) {
  end_record end;
  end.id = id;
  using protocols::failure, protocols::pool_kind, protocols::task_state;
  end.state = one_of(row.number(at), task_state::unknown, task_state::unknown);
  // It has ended, so it is neither of these.
  if (end.state == task_state::queued || end.state == task_state::running)
    end.state = task_state::unknown;
  end.why = one_of(row.number(at + 1), failure::unknown_end, failure::unknown_end);
  end.cold_start = row.number(at + 2) != 0;
  end.attempts = attempts_of(row.number(at + 3));
  end.pool = one_of(row.number(at + 4), pool_kind::baseline, pool_kind::intelligent);
  end.ended_unix_ms = read_unix_ms(row.number(at + 5));
  end.queue_ms = milliseconds(row.number(at + 6));
  end.start_ms = milliseconds(row.number(at + 7));
  end.run_ms = milliseconds(row.number(at + 8));
  end.total_ms = milliseconds(row.number(at + 9));
  end.output = row.text(at + 10);
  return end;
}

}  // namespace

std::int64_t read_unix_ms(std::int64_t value) {
  return std::clamp<std::int64_t>(value, 0, last_unix_ms);
}

stored_task read_task(const sqlite_statement& row) {
  stored_task task;
  auto& accepted = task.accepted;
  accepted.id = {unsigned_of(row.number(1)), unsigned_of(row.number(2))};
  accepted.specialist = row.text(3);
  accepted.department = row.text(4);
  using protocols::priority, protocols::side_effects;
  accepted.urgency = one_of(row.number(5), priority::high, priority::normal);
  // When it is not known what twice would do, it is not done twice.
  accepted.effects = one_of(row.number(6), side_effects::unsafe, side_effects::unsafe);
  accepted.accepted_unix_ms = read_unix_ms(row.number(7));
  accepted.deadline_unix_ms =
      std::clamp(row.number(8), accepted.accepted_unix_ms, accepted.accepted_unix_ms + longest_ms);
  accepted.request_hash = unsigned_of(row.number(9));
  accepted.idempotency_key = row.text(10);
  accepted.case_id = row.text(11);
  accepted.input = row.text(12);
  if (!row.null(13)) {
    task.state = protocols::task_state::running;
    // Earlier versions did not count the attempt that begins.
    task.attempts = std::max(attempts_of(row.number(13)), 1U);
  }
  if (!row.null(14)) {
    task.ended = read_end(row, 14, accepted.id);
    task.state = task.ended->state;
    task.attempts = task.ended->attempts;
  }
  return task;
}

}  // namespace greenroom::machine
