// The dispatcher: the only way in. Everything that was admitted at the door passes it once.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/tasks/completion.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/tasks/ledger.hpp"

#include <caf/all.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What the dispatcher works with.
struct dispatcher_parts {
  unexpected_messages& unexpected;
  const node_clock& clock;
  const catalog_store& catalogs;
  pool_records& pools;
  machine::task_ledger& ledger;
  dispatcher_inbox& dispatching;
  const journal_inbox& journal;
  completion& ending;
};

/// Empties the door's ring, sends durable tasks by way of the journal, and gives each task to its
/// department in its pool. Ends tasks whose time is over, wherever they are, and tells those who
/// hold them. Learns the pools by `(hire_atom, kind, actor)`.
class dispatcher : public draining_actor {
public:
  dispatcher(caf::actor_config& cfg, const dispatcher_parts& parts);

  [[nodiscard]] const char* name() const override { return "greenroom.dispatcher"; }

protected:
  caf::behavior make_behavior() override;
  void drain() override;
  bool take_some() override;
  void on_exit() override;

private:
  void take();
  void pass(protocols::task_ptr job);
  void dispatch(protocols::task_ptr job);
  void sweep();
  /// True when somebody wants to be woken later.
  bool wake_departments(std::int64_t now_ns);
  [[nodiscard]] std::string lateness(const protocols::task& job, std::int64_t now_ns) const;
  [[nodiscard]] const char* delay_of(const protocols::task& job, std::int64_t now_ns) const;
  void arm();

  dispatcher_parts parts_;
  std::array<caf::actor, pools> pools_;
  bool armed_ = false;
  std::size_t swept_ = 0;  // Where in the ledger the next look begins.
};

}  // namespace greenroom::actors
