// The one place where a task ends.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/idempotency_waiters.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/machine/tasks/ledger.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <string>

namespace greenroom::actors {

/// Any thread. Every accepted task ends exactly once: the first thread that claims the end decides
/// it.
class task_completion {
public:
  struct parts {
    node_clock& clock;
    catalog_store& catalogs;
    pool_records& pools;
    machine::task_ledger& ledger;
    machine::node_gauge& gauge;
    ends_feed& ends;
    journal_inbox& journal;
    idempotency_waiters& waiters;
  };
  explicit task_completion(const parts& of) : parts_{of} {}

  /// Decides the end of a task. Returns false when another thread had decided the end before.
  /// Afterwards the task is read-only, and the caller has the answer, or gets it once the journal
  /// has the end. `unit` is the caller's execution unit, or null. `retry_after_ms`: when the caller
  /// may try again; 0: unknown.
  bool end_task(protocols::task& job, protocols::task_state state, protocols::failure why,
                std::string output, caf::execution_unit* unit, std::int64_t retry_after_ms = 0);

  /// Makes a decided end visible and tells the caller: called by `end_task`, or by the journal
  /// actor for durable tasks once the end is written. A second call does nothing.
  void publish_end(protocols::task& job);

  /// Tells the callers of a durable task that the node stops before the task has ended.
  void on_node_stop(protocols::task& job);

  /// Removes a task whose request is known already, as if the task had never been admitted. False
  /// when the task had ended before: then the caller gets that end, and nothing else.
  [[nodiscard]] bool discard_duplicate(protocols::task& job);

  /// Removes a task whose idempotency key belongs to another request, and tells the caller why. The
  /// mistake is the caller's, so it counts as no specialist's failure. A task that had ended before
  /// keeps that end.
  void reject_key_conflict(protocols::task& job, std::string why);

  /// Gives the journal a note about a task.
  void note(protocols::task& job, journal_note::kind what, caf::execution_unit* unit);

private:
  /// Counts a task out that has no end. False when the task had ended before.
  bool uncount(protocols::task& job);
  /// Tells the callers that repeated the task's idempotency key.
  void answer_waiters(const protocols::task& job);

  parts parts_;
};

}  // namespace greenroom::actors
