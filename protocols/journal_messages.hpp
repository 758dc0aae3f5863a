// Messages to the journal's actor. Tasks reach the actor through its ring.
#pragma once

#include <caf/meta/type_name.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <string>

namespace greenroom::protocols {

/// To an actor whose state is journaled: the state with this token, and every state with a smaller
/// token, is durable.
struct state_written {
  std::uint64_t token = 0;
};

/// An actor that waits until its state is durable.
using state_writer_actor = caf::typed_actor<
    // From the journal, in answer to `state_to_confirm`.
    caf::reacts_to<state_written>>;

/// Keep this state instead of the last state of this name. An empty value removes it. Nobody waits
/// for it.
struct state_to_keep {
  std::string name{};
  std::string value{};
};

/// Keep this state likewise, and tell `writer` when it is durable.
struct state_to_confirm {
  std::string name{};
  std::string value{};
  state_writer_actor writer{};
  std::uint64_t token = 0;  ///< Grows with every state of the writer.
};

/// Add this event to the journal's log of events.
struct event_to_log {
  std::string kind{};
  std::string json{};
  std::int64_t unix_ms = 0;
};

template <class Inspector>
auto inspect(Inspector& f, state_written& x) {
  return f(caf::meta::type_name("state_written"), x.token);
}
template <class Inspector>
auto inspect(Inspector& f, state_to_keep& x) {
  return f(caf::meta::type_name("state_to_keep"), x.name, x.value);
}
template <class Inspector>
auto inspect(Inspector& f, state_to_confirm& x) {
  return f(caf::meta::type_name("state_to_confirm"), x.name, x.value, x.writer, x.token);
}
template <class Inspector>
auto inspect(Inspector& f, event_to_log& x) {
  return f(caf::meta::type_name("event_to_log"), x.kind, x.json, x.unix_ms);
}

/// The journal. Tasks reach it through its ring.
using journal_actor = caf::typed_actor<
    // From the monitor, the rollout or the rollback, through the root.
    caf::reacts_to<state_to_keep>,
    // From the rollout or the rollback, through the root. Answered with `state_written`.
    caf::reacts_to<state_to_confirm>,
    // From the rollout, through the root.
    caf::reacts_to<event_to_log>>;

}  // namespace greenroom::protocols
