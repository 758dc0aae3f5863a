// What the journal's actor does besides writing: it removes old records, and looks after the files.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/node_clock.hpp"
#include "runtime/machine/journal/journal.hpp"

namespace greenroom::actors {

/// What the upkeep works with.
struct journal_upkeep_parts {
  const node_clock& clock;
  const catalog_store& catalogs;
  event_log& events;
};

class journal_upkeep {
public:
  explicit journal_upkeep(const journal_upkeep_parts& parts) : parts_{parts} {}

  /// Removes some of the finished tasks that are too old, or more than journal.max_bytes allows:
  /// few at a time, so that commits do not wait. True when more are left.
  [[nodiscard]] bool prune(machine::journal& journal);

private:
  journal_upkeep_parts parts_;
  bool size_reported_ = false;
};

}  // namespace greenroom::actors
