// What the rollout, the rollback and the monitor have in common: what they decide is journaled
// before it takes effect, and they reach the other actors through the root.
#pragma once

#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/status_board.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace greenroom::actors {

/// What every journaled actor works with.
struct journaled_parts {
  unexpected_messages& unexpected;
  const node_clock& clock;
  const journal_inbox& journal;
  routing_table& routes;
  status_board& board;
};

/// `Self` is the interface with the actor's own timers; `Parts` derives from `journaled_parts`.
template <class Self, class Parts>
struct journaled_actor {
  typename Self::pointer self = nullptr;
  std::optional<Parts> parts;
  protocols::root_actor root;
  std::uint64_t token = 0;          ///< Of the state that was given to the journal last.
  std::uint64_t written_token = 0;  ///< Of the state that the journal has written last.

  [[nodiscard]] double now_s() const {
    return parts->clock.unix_s(self->clock().now().time_since_epoch().count());
  }
  /// Gives the journal a state that replaces the last state of that name. `state_written` with the
  /// returned token, or a later one, comes when it is durable. Without a journal it counts as
  /// written at once. The actor's interface contains `state_written`.
  std::uint64_t record(std::string name, std::string text) {
    ++token;
    if (parts->journal.on)
      self->send(root, protocols::state_to_confirm{std::move(name), std::move(text),
                                                   protocols::state_writer_actor{self}, token});
    else
      written_token = token;
    return token;
  }
  /// The same for a state that the actor does not wait for.
  void record_aside(std::string name, std::string text) {
    if (parts->journal.on)
      self->send(root, protocols::state_to_keep{std::move(name), std::move(text)});
  }
  [[nodiscard]] bool unwritten() const { return written_token < token; }
  void note_written(std::uint64_t number) { written_token = std::max(written_token, number); }

  /// Leaves a command for the rollout or the rollback on the status board, and wakes the actor.
  void send_command(protocols::commanded_actor to, rollout_command command) {
    parts->board.post(to, std::move(command));
    self->send(root, protocols::commands_posted{to});
  }
  void open_pool(protocols::pool_kind kind) { self->send(root, protocols::open_pool{kind}); }
  /// From now on the baseline pool keeps every specialist warm, or may cool. The pools are told of
  /// a change.
  void keep_baseline_warm(bool warm) {
    if (parts->routes.baseline_warm.exchange(warm) != warm)
      self->send(root, protocols::settings_changed{});
  }
};

/// The first call of a journaled actor.
template <class Actor, class Parts>
auto& open_journaled(Actor* self, const Parts& parts, protocols::root_actor root) {
  auto& state = self->state;
  state.self = self;
  state.parts.emplace(parts);
  state.root = std::move(root);
  parts.unexpected.watch(self);
  self->set_exit_handler([self](const caf::exit_msg& message) {
    self->state.root = nullptr;  // The root and its children hold each other.
    self->quit(message.reason);
  });
  return state;
}

}  // namespace greenroom::actors
