// What becomes of tasks when the journal has written a note about them, or cannot write it.
#pragma once

#include "actors/state/inboxes.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/tasks/task_completion.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/journal/journal.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <string>

namespace greenroom::actors {

/// What the outcomes work with.
struct journal_outcomes_parts {
  pool_records& pools;
  dispatcher_inbox& dispatching;
  task_completion& ending;
};

class journal_outcomes {
public:
  explicit journal_outcomes(const journal_outcomes_parts& parts) : parts_{parts} {}

  /// The note is written. Takes the note's reference to the task. `unit`: the caller's execution
  /// unit.
  void on_written(const journal_note& note, const machine::verdict& verdict,
                  caf::execution_unit* unit);
  /// The note cannot be written. True when the note must be written later: an end, which is
  /// announced all the same. Otherwise takes the note's reference to the task, which ends.
  /// `retry_after`: when the journal tries to write again.
  [[nodiscard]] bool on_not_written(const journal_note& note, const std::string& why,
                                    std::chrono::milliseconds retry_after,
                                    caf::execution_unit* unit);

private:
  void on_accepted(protocols::task_ptr job, const machine::verdict& verdict,
                   caf::execution_unit* unit);
  void on_ended(protocols::task& job, const machine::verdict& verdict);
  /// The start of the task is written, or cannot be: the department goes on.
  void give_back(protocols::task_ptr job, caf::execution_unit* unit);

  journal_outcomes_parts parts_;
};

}  // namespace greenroom::actors
