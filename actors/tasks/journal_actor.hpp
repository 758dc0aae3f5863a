// The keeper of the journal: writes what was accepted and what ended, many tasks a transaction.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/tasks/completion.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/metrics/gauges.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <deque>
#include <memory>

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
  completion& ending;
};

/// Opens the journal anew after its actor was lost.
using journal_factory = std::function<machine::journal_result<std::unique_ptr<machine::journal>>()>;

/// Runs on a thread of its own (spawn it detached), because writing blocks. Everything that has
/// gathered while it wrote goes into its next transaction: that is the group commit. Takes
/// `(report_atom, name, value)` to keep a piece of the node's state (with `actor, token`: answered
/// by `(written_atom, token)` once it is durable) and `(report_atom, kind, json,
/// unix_ms)` to log an event.
class journal_actor : public draining_actor {
public:
  journal_actor(caf::actor_config& cfg, const journal_parts& parts, journal_factory open);

  [[nodiscard]] const char* name() const override { return "greenroom.journal"; }

protected:
  caf::behavior make_behavior() override;
  void drain() override;
  void on_exit() override;

private:
  void write();
  void written(const journal_note& one, const machine::verdict& verdict);
  void not_written(const std::string& why);
  void works_again();
  void keep_state(std::string name, std::string value);
  void tell_when_written(const caf::actor& who, std::uint64_t token);
  void look();
  void prune();

  journal_parts parts_;
  journal_factory open_;
  std::unique_ptr<machine::journal> journal_;
  std::deque<machine::record> extra_;  // State and events that wait for the next transaction.
  std::vector<std::pair<caf::actor, std::uint64_t>> told_;  ///< Who waits for what is in `extra_`.
  bool retry_armed_ = false;
  bool said_too_large_ = false;
};

/// Counts the damage, and says it as the event `journal.damaged`. From any thread.
void tell_damage(journal_inbox& journal, machine::node_gauge& gauge, event_log& events,
                 const machine::journal_damage& damage);

/// What the journal keeps of a task at its acceptance, and at its end.
[[nodiscard]] machine::accept_record accept_record_of(const journal_parts& where,
                                                      const protocols::task& job);
[[nodiscard]] machine::end_record end_record_of(const journal_parts& where,
                                                const protocols::task& job);

}  // namespace greenroom::actors
