// Removes old tasks and events from the journal.
#include "runtime/machine/journal/journal_statements.hpp"
#include "runtime/machine/journal/journal_writer.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace greenroom::machine {

base::expected<std::size_t> journal_writer::prune(std::int64_t before_unix_ms, std::size_t most) {
  batch_.first_row = next_row_;
  try {
    sql_->begin.run();
    const auto tasks = prune_tasks(before_unix_ms, most);
    const auto pruned = tasks + prune_events(before_unix_ms, most - tasks);
    if (pruned == 0) {
      sql_->commit.run();
      return pruned;
    }
    const auto mark = oldest_;
    sql_->mark.bind(1, mark).run();
    // The mark may claim less than the file holds, but never more.
    auto then = counts();
    then.tasks -= std::min<std::uint64_t>(then.tasks, tasks);
    then.ends -= std::min<std::uint64_t>(then.ends, tasks);
    if (place_) place_->about_to_drop(then);
    sql_->commit.run();
    tasks_ = then.tasks;
    ends_ = then.ends;
    oldest_kept_ = mark;
    committed();
    if (checkpointer_) checkpointer_->after_commit();
    return pruned;
  } catch (const std::exception& wrong) {
    if (place_) place_->about_to_drop(counts());
    return failed(wrong);
  }
}

/// Rows are in the order of acceptance, so the search stops at the first task that was accepted too
/// late; it skips the few tasks that had not ended by then. While a task is unfinished, the newest
/// row stays too, because the next start takes the number after it.
std::size_t journal_writer::prune_tasks(std::int64_t before_unix_ms, std::size_t most) {
  std::vector<std::int64_t> rows;
  {
    auto& oldest = sql_->oldest_tasks;
    const reset_at_exit reset{oldest};
    while (rows.size() < most && oldest.step()) {
      if (oldest.number(1) >= before_unix_ms) break;
      const auto row = oldest.number(0);
      if (row + 1 == next_row_ && oldest_ < next_row_) break;
      if (!oldest.null(2) && oldest.number(2) < before_unix_ms) rows.push_back(row);
    }
  }
  for (const auto row : rows) {
    sql_->drop_end.bind(1, row).run();
    sql_->drop_task.bind(1, row).run();
  }
  return rows.size();
}

std::size_t journal_writer::prune_events(std::int64_t before_unix_ms, std::size_t most) {
  std::vector<std::int64_t> rows;
  {
    auto& oldest = sql_->oldest_events;
    const reset_at_exit reset{oldest};
    while (rows.size() < most && oldest.step() && oldest.number(1) < before_unix_ms)
      rows.push_back(oldest.number(0));
  }
  for (const auto row : rows) sql_->drop_event.bind(1, row).run();
  return rows.size();
}

}  // namespace greenroom::machine
