// How damage to the journal's files is made known.
#pragma once

#include "actors/state/event_log.hpp"
#include "actors/state/inboxes.hpp"
#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/metrics/gauges.hpp"

namespace greenroom::actors {

/// Counts the damage, and publishes the event `journal.damaged` once for equal damages. From any
/// thread.
void tell_damage(journal_inbox& journal, machine::node_gauge& gauge, event_log& events,
                 const machine::journal_damage& damage);

}  // namespace greenroom::actors
