// Messages to actors that do not have a typed interface yet: departments, the dispatcher and the
// journal. Each function sends what the named message means in atoms.
#pragma once

#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

#include <cstdint>

namespace greenroom::actors::untyped {

inline void send(const protocols::department_actor& to, const protocols::report_state& what) {
  caf::anon_send(caf::actor_cast<caf::actor>(to), protocols::report_atom::value,
                 caf::actor_cast<caf::actor>(what.director));
}
inline void send(const protocols::department_actor& to, protocols::settings_changed) {
  caf::anon_send(caf::actor_cast<caf::actor>(to), protocols::reload_atom::value);
}
inline void send(const protocols::department_actor& to, protocols::check_workers) {
  caf::anon_send(caf::actor_cast<caf::actor>(to), protocols::check_atom::value);
}
inline void send(const protocols::department_actor& to, protocols::hand_over_tasks what) {
  caf::anon_send(caf::actor_cast<caf::actor>(to), protocols::switch_atom::value, what.fence);
}
inline void send(const protocols::dispatcher_actor& to, const protocols::pool_joined& what) {
  caf::anon_send(caf::actor_cast<caf::actor>(to), protocols::hire_atom::value,
                 static_cast<std::uint32_t>(what.kind), caf::actor_cast<caf::actor>(what.pool));
}
inline void send(const protocols::journal_actor& to, const protocols::state_to_keep& what) {
  caf::anon_send(caf::actor_cast<caf::actor>(to), protocols::report_atom::value, what.name,
                 what.value);
}
inline void send(const protocols::journal_actor& to, const protocols::state_to_confirm& what) {
  caf::anon_send(caf::actor_cast<caf::actor>(to), protocols::report_atom::value, what.name,
                 what.value, caf::actor_cast<caf::actor>(what.writer), what.token);
}
inline void send(const protocols::journal_actor& to, const protocols::event_to_log& what) {
  caf::anon_send(caf::actor_cast<caf::actor>(to), protocols::report_atom::value, what.kind,
                 what.json, what.unix_ms);
}

}  // namespace greenroom::actors::untyped
