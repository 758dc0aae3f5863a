// How one actor is ended from outside.
#pragma once

#include <caf/all.hpp>

namespace greenroom::actors {

/// Ends the actor, so that its supervisor replaces it. Not with the reason `kill`, which passes
/// through every link and would end the whole tree. Not in the name of the supervisor either: an
/// actor that gets an exit message unlinks from the sender first.
template <class Handle>
void dismiss(const Handle& actor) {
  caf::anon_send_exit(actor, caf::exit_reason::unhandled_exception);
}

}  // namespace greenroom::actors
