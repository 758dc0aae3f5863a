// What the rollout and the rollback have in common: they write down what they decided before it
// takes effect, find words in a box, and look again after a while.
#pragma once

#include "actors/state/node_state.hpp"
#include "protocols/node_messages.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace greenroom::actors {

/// The other end is the root, which knows the journal, the pools and the other journaled actors.
struct journaled_actor {
  caf::event_based_actor* self = nullptr;
  node_state* where = nullptr;
  caf::actor root;
  std::uint64_t token = 0;          ///< Of what was given to the journal last.
  std::uint64_t written_token = 0;  ///< Of what it has written last.

  [[nodiscard]] double now_s() const {
    return where->unix_s(self->clock().now().time_since_epoch().count());
  }
  /// Gives the journal a record to replace the one of that name. `(written_atom, token)` comes back
  /// when it is durable; without a journal it counts as written at once. Returns the token.
  std::uint64_t record(std::string name, std::string text) {
    ++token;
    if (where->journaling)
      self->send(root, protocols::report_atom::value, std::move(name), std::move(text),
                 caf::actor_cast<caf::actor>(self), token);
    else
      written_token = token;
    return token;
  }
  /// The same for what nobody waits for.
  void record_aside(std::string name, std::string text) {
    if (where->journaling)
      self->send(root, protocols::report_atom::value, std::move(name), std::move(text));
  }
  [[nodiscard]] bool unwritten() const { return written_token < token; }
  void note_written(std::uint64_t number) { written_token = std::max(written_token, number); }

  /// Leaves a word for another journaled_actor, a child of the root, and wakes it.
  void tell(status_board::box whose, std::uint32_t child, steering word) {
    where->board.leave(whose, std::move(word));
    self->send(root, protocols::steer_atom::value, child);
  }
  void open_pool(protocols::pool_kind kind) {
    self->send(root, protocols::open_atom::value, static_cast<std::uint32_t>(kind));
  }
  /// From now on the baseline keeps everybody warm, or may cool. The pools hear of a change.
  void keep_baseline_warm(bool warm) {
    if (where->routes.baseline_warm.exchange(warm) != warm)
      self->send(root, protocols::reload_atom::value);
  }
};

/// The first thing that a journaled_actor does.
template <class Actor>
auto& attend(Actor* self, node_state* where, caf::actor root) {
  auto& state = self->state;
  state.self = self;
  state.where = where;
  state.root = std::move(root);
  self->set_default_handler(caf::drop);
  self->set_exit_handler([self](const caf::exit_msg& message) {
    self->state.root = nullptr;  // They hold each other.
    self->quit(message.reason);
  });
  return state;
}

}  // namespace greenroom::actors
