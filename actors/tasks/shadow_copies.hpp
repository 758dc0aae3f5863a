// Copies of tasks for the other pool, whose answers are only compared (shadow traffic).
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/shadow_traffic.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/tasks/ledger.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace greenroom::actors {

/// What the copies work with.
struct shadow_copies_parts {
  const catalog_store& catalogs;
  pool_records& pools;
  machine::task_ledger& ledger;
  dispatcher_inbox& dispatching;
  routing_table& routes;
  ends_feed& ends;
  shadow_traffic& shadow;
};

/// Any thread.
class shadow_copies {
public:
  /// A task that gets copies, before it leaves the caller's thread.
  struct original {
    shadow_traffic::pair_ptr pair;  ///< Null: the task gets no copy.
    protocols::task_ptr job;
    std::string input;
    bool answered_by_baseline = false;
  };

  explicit shadow_copies(const shadow_copies_parts& parts) : parts_{parts} {}

  /// Decides whether the task gets copies; then the task's caller is heard through the pair.
  /// @pre the task is complete, and not pushed yet.
  [[nodiscard]] original prepare(const protocols::task_ptr& job, const member& specialist,
                                 std::string_view command, routing_table::mode routes);
  /// Pushes the copies. @pre the task itself was pushed.
  void push(const original& of);

  /// A circuit of this pool kept a task or a copy away: an error of the pool.
  void count_open_circuit(protocols::pool_kind pool);

private:
  bool copy(const original& of, protocols::pool_kind pool,
            std::shared_ptr<protocols::task_observer> listener, bool judged);

  shadow_copies_parts parts_;
};

}  // namespace greenroom::actors
