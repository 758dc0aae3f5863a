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

namespace greenroom {

/// In the order in which they need each other; `node::~node` ends them in the order that README.md
/// of this folder gives.
struct node::parts {
  caf::actor_system_config system_config;
  std::unique_ptr<actors::node_state> shared;
  std::unique_ptr<caf::actor_system> system;
  /// Outlives the engine, which ends the workers.
  std::shared_ptr<machine::process_keeper> keeper;
  std::unique_ptr<machine::engine> io;
  std::unique_ptr<actors::admission> desk;
  std::shared_ptr<actors::callable_table> callables;
  std::shared_ptr<machine::call_gate> calls = std::make_shared<machine::call_gate>();
  std::function<bool(std::string_view)> is_inline;
  protocols::root_actor root;
  mutable std::mutex reader_mutex;
  std::unique_ptr<machine::journal_reader> reader;  ///< For one task at a time.
  mutable std::mutex scan_mutex;
  std::unique_ptr<machine::journal_reader> scan_reader;  ///< For lists, which take longer.
  std::int64_t started_ns = 0;                           ///< Steady clock.
  std::string version;
  machine::journal_options journal_at;  ///< Where the journal is; without one its path is empty.
  std::string identity;                 ///< Who this node is, as long as it has its data directory.
  std::unique_ptr<machine::webhook> hooks;   ///< For alerts.
  std::unique_ptr<actors::backups> backups;  ///< Null without a journal.
  std::atomic<bool> collapsed{false};
  std::atomic<std::uint64_t> workflow_serial{1};
  /// Lines that workers write to stderr; set before anything starts, or left empty.
  std::function<void(std::string_view specialist, std::string_view line)> log;
  actors::worker_lines lines;  ///< The last of them.
  std::mutex reload_mutex;
  /// For doors that may outlive the node.
  std::shared_ptr<actors::node_link> link = std::make_shared<actors::node_link>();

  /// Tasks of an earlier life keep their names, which do not say where they are.
  mutable std::mutex resumed_mutex;
  std::unordered_set<std::string> resumed;
  [[nodiscard]] protocols::task_ptr find_live(const protocols::task_id& id) const;
  [[nodiscard]] std::optional<machine::stored_task> find_stored(const protocols::task_id& id) const;

  class listing;
  mutable actors::lookup_thread lookups;

  std::thread watch;
  std::mutex watch_mutex;
  std::condition_variable watch_bell;
  bool stopping = false;
  void run_watch();
};

/// The names of a live task's specialist and department. How long the references are good: see
/// `catalog_reader`.
struct task_names {
  const std::string& specialist;
  const std::string& department;
};
[[nodiscard]] task_names names_of(const actors::node_state& shared, const protocols::task& job);

enum class with_output : bool { no, yes };
/// @pre `done` has ended, or is only looked at by its holder.
[[nodiscard]] task_view view_of(const protocols::task& done, std::string specialist,
                                std::string department, with_output how = with_output::yes);
/// What the journal has of a task, as a view.
[[nodiscard]] task_view view_of(const machine::stored_task& stored);

}  // namespace greenroom
