// What the rollout and the rollback have in common: they write down what they decided before it
// takes effect, find words in a box, and look again after a while.
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

/// The other end is the root, which knows the journal, the pools and the other journaled actors.
template <class Parts>
struct journaled_actor {
  caf::event_based_actor* self = nullptr;
  std::optional<Parts> parts;  ///< Derived from `journaled_parts`.
  caf::actor root;
  std::uint64_t token = 0;          ///< Of what was given to the journal last.
  std::uint64_t written_token = 0;  ///< Of what it has written last.

  [[nodiscard]] double now_s() const {
    return parts->clock.unix_s(self->clock().now().time_since_epoch().count());
  }
  /// Gives the journal a record to replace the one of that name. `(written_atom, token)` comes back
  /// when it is durable; without a journal it counts as written at once. Returns the token.
  std::uint64_t record(std::string name, std::string text) {
    ++token;
    if (parts->journal.on)
      self->send(root, protocols::report_atom::value, std::move(name), std::move(text),
                 caf::actor_cast<caf::actor>(self), token);
    else
      written_token = token;
    return token;
  }
  /// The same for what nobody waits for.
  void record_aside(std::string name, std::string text) {
    if (parts->journal.on)
      self->send(root, protocols::report_atom::value, std::move(name), std::move(text));
  }
  [[nodiscard]] bool unwritten() const { return written_token < token; }
  void note_written(std::uint64_t number) { written_token = std::max(written_token, number); }

  /// Leaves a word for another journaled actor, a child of the root, and wakes it.
  void tell(status_board::box whose, std::uint32_t child, steering word) {
    parts->board.leave(whose, std::move(word));
    self->send(root, protocols::steer_atom::value, child);
  }
  void open_pool(protocols::pool_kind kind) {
    self->send(root, protocols::open_atom::value, static_cast<std::uint32_t>(kind));
  }
  /// From now on the baseline keeps everybody warm, or may cool. The pools hear of a change.
  void keep_baseline_warm(bool warm) {
    if (parts->routes.baseline_warm.exchange(warm) != warm)
      self->send(root, protocols::reload_atom::value);
  }
};

/// The first thing that a journaled actor does.
template <class Actor, class Parts>
auto& attend(Actor* self, const Parts& parts, caf::actor root) {
  auto& state = self->state;
  state.self = self;
  state.parts.emplace(parts);
  state.root = std::move(root);
  parts.unexpected.watch(self);
  self->set_exit_handler([self](const caf::exit_msg& message) {
    self->state.root = nullptr;  // They hold each other.
    self->quit(message.reason);
  });
  return state;
}

}  // namespace greenroom::actors
