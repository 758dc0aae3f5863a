#include "runtime/machine/journal/journal_rows.hpp"

#include <algorithm>

namespace greenroom::machine {

namespace {

double milliseconds(std::int64_t microseconds) { return static_cast<double>(microseconds) / 1000; }

end_record read_end(const sqlite_statement& row, int at, const protocols::task_id& id) {
  end_record end;
  end.id = id;
  end.state = static_cast<protocols::task_state>(row.number(at));
  end.why = static_cast<protocols::failure>(row.number(at + 1));
  end.cold_start = row.number(at + 2) != 0;
  end.attempts = static_cast<std::uint32_t>(row.number(at + 3));
  end.pool = static_cast<protocols::pool_kind>(row.number(at + 4));
  end.ended_unix_ms = row.number(at + 5);
  end.queue_ms = milliseconds(row.number(at + 6));
  end.start_ms = milliseconds(row.number(at + 7));
  end.run_ms = milliseconds(row.number(at + 8));
  end.total_ms = milliseconds(row.number(at + 9));
  end.output = row.text(at + 10);
  return end;
}

}  // namespace

stored_task read_task(const sqlite_statement& row) {
  stored_task task;
  auto& accepted = task.accepted;
  accepted.id = {unsigned_of(row.number(1)), unsigned_of(row.number(2))};
  accepted.specialist = row.text(3);
  accepted.department = row.text(4);
  accepted.urgency = static_cast<protocols::priority>(row.number(5));
  accepted.effects = static_cast<protocols::side_effects>(row.number(6));
  accepted.accepted_unix_ms = row.number(7);
  accepted.deadline_unix_ms = row.number(8);
  accepted.request_hash = unsigned_of(row.number(9));
  accepted.idempotency_key = row.text(10);
  accepted.case_id = row.text(11);
  accepted.input = row.text(12);
  if (!row.null(13)) {
    task.state = protocols::task_state::running;
    // Earlier versions did not count the attempt that begins.
    task.attempts = std::max(static_cast<std::uint32_t>(row.number(13)), 1U);
  }
  if (!row.null(14)) {
    task.ended = read_end(row, 14, accepted.id);
    task.state = task.ended->state;
    task.attempts = task.ended->attempts;
  }
  return task;
}

}  // namespace greenroom::machine
