// What a node holds; for the files that implement it and for the doors.
#pragma once

#include "actors/node/backups.hpp"
#include "actors/node/lookup_thread.hpp"
#include "actors/node/node.hpp"
#include "actors/node/node_link.hpp"
#include "actors/supervision/node_state.hpp"
#include "actors/tasks/admission.hpp"
#include "actors/tasks/worker_lines.hpp"
#include "runtime/machine/http/webhook.hpp"
#include "runtime/machine/io/engine.hpp"
#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/process/process_keeper.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>

namespace greenroom {

namespace actors {
class event_range;
struct rollout_command;
}  // namespace actors

/// In the order in which the parts need each other; `node::~node` ends the parts in the order that
/// ../README.md gives. The functions are for the doors; from any thread.
struct node::parts {
  caf::actor_system_config system_config;
  std::unique_ptr<actors::node_state> state;
  std::unique_ptr<caf::actor_system> system;
  /// Outlives the engine, which ends the workers.
  std::shared_ptr<machine::process_keeper> keeper;
  std::unique_ptr<machine::engine> engine;
  std::unique_ptr<actors::admission> admission;
  std::shared_ptr<actors::callable_table> callables;
  std::shared_ptr<machine::call_gate> running_calls = std::make_shared<machine::call_gate>();
  std::function<bool(std::string_view)> is_inline;
  protocols::root_actor root;
  mutable std::mutex reader_mutex;
  std::unique_ptr<machine::journal_reader> reader;  ///< For one task at a time.
  mutable std::mutex scan_mutex;
  std::unique_ptr<machine::journal_reader> scan_reader;  ///< For lists, which take longer.
  std::int64_t started_ns = 0;                           ///< Steady clock.
  std::string version;                                   ///< Of the program.
  machine::journal_options journal_at;        ///< Where the journal is; an empty path: no journal.
  std::string identity;                       ///< Kept in the data directory.
  std::unique_ptr<machine::webhook> webhook;  ///< For alerts.
  std::unique_ptr<actors::backups> backups;   ///< Null without a journal.
  std::atomic<bool> collapsed{false};
  std::atomic<std::uint64_t> workflow_serial{1};
  /// Receives the lines that workers write to stderr; set before anything starts, or left empty.
  std::function<void(std::string_view specialist, std::string_view line)> worker_line;
  actors::worker_lines lines;  ///< The latest of these lines.
  std::mutex reload_mutex;
  /// For doors that may outlive the node.
  std::shared_ptr<actors::node_link> link = std::make_shared<actors::node_link>();

  /// Tasks of an earlier run of the node: their identifiers do not lead to a slot of the ledger.
  mutable std::mutex resumed_mutex;
  std::unordered_set<std::string> resumed;
  [[nodiscard]] protocols::task_ptr find_live(const protocols::task_id& id) const;
  [[nodiscard]] std::optional<machine::stored_task> find_stored(const protocols::task_id& id) const;
  /// The state of a live task; nothing when the task is not live.
  [[nodiscard]] std::optional<protocols::task_state> live_state(const protocols::task_id& id) const;
  /// Drops a caller who repeated an idempotency key and waits for the end of the first task.
  void forget(const protocols::task_observer* caller) { state->waiters.remove(caller); }

  class listing;
  mutable actors::lookup_thread lookups;
  /// `node::list` on the look-up thread, in pieces between which other jobs get their turn. `done`
  /// is called there, or not at all when the node goes down. False, and nothing happens, when
  /// `limits.state_requests` lists wait already.
  [[nodiscard]] bool list_aside(query which,
                                std::function<void(base::expected<page, refusal>)> done) const;
  /// Runs `job` on the look-up thread, before lists. False when `limits.state_requests` jobs wait
  /// already.
  [[nodiscard]] bool run_aside(std::function<void()> job) const;
  /// When it makes sense to ask again for what `run_aside` and `list_aside` had no room for.
  [[nodiscard]] std::chrono::milliseconds aside_wait() const;

  /// Events after number `after`, without a copy: as many as `bytes_max` bytes hold, at least one.
  [[nodiscard]] actors::event_range events_after(std::uint64_t after, std::size_t bytes_max) const;
  /// The numbers of the oldest and the newest event that are kept; 0 and 0: there are none.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> event_numbers() const {
    return state->events.kept_numbers();
  }

  /// An operator's request to the rollout or the rollback; its callback gets the answer.
  void send_command(actors::rollout_command request);

  /// Sends liveness probes at their interval.
  std::thread liveness;
  std::mutex liveness_mutex;
  std::condition_variable liveness_wake;
  bool stopping = false;
  void run_liveness();
};

}  // namespace greenroom
