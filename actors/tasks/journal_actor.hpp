// The journal's actor: writes what was accepted and what ended, many tasks in one transaction.
#pragma once

#include "actors/mailbox/draining_actor.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/tasks/journal_backlog.hpp"
#include "actors/tasks/journal_damage.hpp"
#include "actors/tasks/journal_outcomes.hpp"
#include "actors/tasks/journal_records.hpp"
#include "actors/tasks/journal_upkeep.hpp"
#include "actors/tasks/task_completion.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/metrics/gauges.hpp"

#include <caf/all.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What the journal actor works with.
struct journal_parts {
  unexpected_messages& unexpected;
  const node_clock& clock;
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  machine::node_gauge& gauge;
  dispatcher_inbox& dispatching;
  journal_inbox& journal;
  task_completion& ending;
};

/// Opens the journal anew after its actor was lost.
using journal_factory = std::function<base::expected<std::unique_ptr<machine::journal>>()>;

// The journal actor's messages to itself.
using write_due = caf::atom_constant<caf::atom("write")>;
using file_check_due = caf::atom_constant<caf::atom("files")>;
using prune_due = caf::atom_constant<caf::atom("prune")>;
using prune_more = caf::atom_constant<caf::atom("prune_more")>;

/// What other actors send, and the actor's timers.
using journal_interface = protocols::journal_actor::extend<
    // Try to write again after a failure.
    caf::reacts_to<write_due>,
    // Check that the journal's files are in their places.
    caf::reacts_to<file_check_due>,
    // Remove old records, at an interval.
    caf::reacts_to<prune_due>,
    // Go on to remove old records.
    caf::reacts_to<prune_more>>;

/// Runs on a thread of its own (spawn it detached), because writing blocks. The notes that gather
/// while it writes go into the next transaction: the group commit.
class journal_actor final : public draining_actor<journal_interface> {
public:
  journal_actor(caf::actor_config& cfg, const journal_parts& parts, journal_factory open);

  [[nodiscard]] const char* name() const override { return "greenroom.journal"; }

protected:
  behavior_type make_behavior() override;
  void drain() override;
  void on_exit() override;

private:
  void drain_now();
  void write();
  /// The next transaction's records, for the first `notes` of the pending notes.
  [[nodiscard]] std::vector<machine::record> next_batch(std::size_t& notes) const;
  /// Opens the journal first, if that is necessary.
  [[nodiscard]] base::expected<std::vector<machine::verdict>> commit(
      std::span<const machine::record> batch);
  void on_written(std::span<const machine::verdict> verdicts, std::size_t records);
  void on_not_written(const std::string& why);

  void retry_write();
  void check_files();
  void prune();

  journal_parts parts_;
  journal_factory open_;
  std::unique_ptr<machine::journal> journal_;
  journal_backlog backlog_;
  journal_outcomes outcomes_;
  journal_upkeep upkeep_;
  bool retry_armed_ = false;
};

}  // namespace greenroom::actors
