// What the journal keeps of a task.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/journal/journal.hpp"

#include <cstddef>

namespace greenroom::actors {

/// What the records of tasks are made from.
struct journal_record_parts {
  const node_clock& clock;
  const catalog_store& catalogs;
  const journal_inbox& journal;
};

[[nodiscard]] machine::accept_record accept_record_of(const journal_record_parts& parts,
                                                      const protocols::task& job);
[[nodiscard]] machine::end_record end_record_of(const journal_record_parts& parts,
                                                const protocols::task& job);

/// The record that a note asks for.
[[nodiscard]] machine::record record_of(const journal_record_parts& parts,
                                        const journal_note& note);
/// The approximate size of the record that a note asks for.
[[nodiscard]] std::size_t record_bytes(const journal_note& note);

}  // namespace greenroom::actors
