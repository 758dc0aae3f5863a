// A pool: the supervisor of one director and its departments.
#pragma once

#include "actors/pooling/director.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/supervision/respawn_timer.hpp"
#include "actors/tasks/department_parts.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/resilience/restart_budget.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What a pool works with, and the parts of its children.
struct pool_parts {
  unexpected_messages& unexpected;
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  department_parts departments;
  director_parts director;
};

/// The interface and the pool's own timer.
using pool_self = protocols::pool_actor::extend<
    // The delay after the loss of a child has passed: a department's index, or
    // `pool_state::director_child`.
    caf::reacts_to<respawn_atom, std::uint32_t>>;

/// Supervises the director and every department of one pool. Each that dies is replaced after a
/// delay, so many times in a window; then the pool dies too, and the root decides.
struct pool_state {
  static constexpr const char* name = "greenroom.pool";
  static constexpr std::uint32_t director_child = 0xffffffffU;  ///< In place of an index.

  void open(pool_self::stateful_pointer<pool_state> actor, const pool_parts& from,
            protocols::pool_kind which, policy_factory factory);
  void on_exit(const caf::exit_msg& message);
  void respawn(std::uint32_t child);
  void on_predictor(const protocols::predictor_joined& news);
  void on_settings_changed();
  void pass_purge(const protocols::purge& ended);
  template <class Message>
  void to_director(const Message& message) {
    if (director_) self_->send(director_, message);
  }
  template <class Message>
  void to_departments(const Message& message);

  [[nodiscard]] const protocols::director_actor& director() const { return director_; }
  [[nodiscard]] const std::vector<protocols::department_actor>& departments() const {
    return departments_;
  }

private:
  void spawn_director();
  void spawn_department(std::uint32_t index);
  void spawn_new_departments();
  /// The child that has died; nothing when the sender is no child.
  [[nodiscard]] std::optional<std::uint32_t> child_at(const caf::actor_addr& address) const;
  /// As a small JSON document, for events.
  [[nodiscard]] std::string json_of(std::uint32_t child) const;

  pool_self::stateful_pointer<pool_state> self_ = nullptr;
  std::optional<pool_parts> parts_;
  protocols::pool_kind kind_ = protocols::pool_kind::intelligent;
  policy_factory make_policy_;
  protocols::director_actor director_;
  protocols::predictor_actor predictor_;  ///< The root's child; empty when there is none.
  std::vector<protocols::department_actor> departments_;
  runtime::restart_budget budget_;
};

pool_self::behavior_type pool(pool_self::stateful_pointer<pool_state> self, const pool_parts& parts,
                              protocols::pool_kind kind, policy_factory make_policy);

}  // namespace greenroom::actors
