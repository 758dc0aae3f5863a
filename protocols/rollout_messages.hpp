// Messages to the monitor, the rollout and the rollback.
#pragma once

#include "protocols/control_messages.hpp"
#include "protocols/journal_messages.hpp"

#include <caf/meta/type_name.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>

namespace greenroom::protocols {

/// An actor that takes commands from the status board.
enum class commanded_actor : std::uint8_t { rollout, rollback };

/// Commands for `to` are on the status board.
struct commands_posted {
  commanded_actor to = commanded_actor::rollout;
};

template <class Inspector>
auto inspect(Inspector& f, commands_posted& x) {
  return f(caf::meta::type_name("commands_posted"), x.to);
}

/// The monitor.
using monitor_actor = caf::typed_actor<
    // From the root: read the interval and the alert rules again.
    caf::reacts_to<settings_changed>>;

/// The rollout.
using rollout_actor = caf::typed_actor<
    // From an operator or the rollback, through the root.
    caf::reacts_to<commands_posted>,
    // From the journal: a decision is durable and takes effect.
    caf::reacts_to<state_written>,
    // From the root: read the settings of the rollout again.
    caf::reacts_to<settings_changed>>;

/// The rollback.
using rollback_actor = caf::typed_actor<
    // From an operator or the rollout, through the root.
    caf::reacts_to<commands_posted>,
    // From the journal: a step is durable and the next step may follow.
    caf::reacts_to<state_written>,
    // From the root: read the thresholds again.
    caf::reacts_to<settings_changed>>;

}  // namespace greenroom::protocols
