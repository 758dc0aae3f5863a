// The root: the supervisor of every actor of a node. Nothing replaces the root.
#pragma once

#include "actors/monitoring/monitor.hpp"
#include "actors/pooling/director.hpp"
#include "actors/pooling/memory_sampler.hpp"
#include "actors/rollout/command_probe.hpp"
#include "actors/supervision/node_state.hpp"
#include "actors/supervision/respawn_timer.hpp"
#include "actors/tasks/journal_actor.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/resilience/restart_budget.hpp"

#include <caf/all.hpp>

#include <array>
#include <cstdint>

namespace greenroom::actors {

/// What the root builds its tree from.
struct root_options {
  std::array<policy_factory, pool_count> policies;  ///< A pool without a policy is not opened.
  journal_factory open_journal;                     ///< Empty: no journal.
  usage_gauge read_memory;                          ///< Empty: no memory sampler.
  std::chrono::milliseconds memory_sample_period{1000};
  std::array<bool, pool_count> opens_on_request{};  ///< Opened only by `open_pool`.
  bool with_monitor_and_rollout = false;            ///< And a rollback.
  bool with_predictor = false;
  bool predictor_detached = false;  ///< The predictor has its own thread, because it writes files.
  command_probe probe;              ///< Runs a command when a rollback is verified. Empty: not run.
  alert_post post;                  ///< Delivers alerts to webhooks. Empty: nowhere.
};

/// The actors directly below the root.
enum class root_child : std::uint32_t {
  journal,
  dispatcher,
  memory_sampler,
  intelligent_pool,
  baseline_pool,
  monitor,
  rollout,
  rollback,
  predictor
};
constexpr std::size_t root_child_count = 9;
[[nodiscard]] constexpr root_child child_of(protocols::pool_kind kind) {
  return kind == protocols::pool_kind::baseline ? root_child::baseline_pool
                                                : root_child::intelligent_pool;
}

/// The interface and the root's own timer.
using root_self = protocols::root_actor::extend<
    // The delay after the loss of a child has passed; a `root_child`.
    caf::reacts_to<respawn_atom, std::uint32_t>>;

/// Replaces each child that dies, after a delay. When a child dies too often, the root calls
/// `node_state::on_fatal` and ends.
struct root_state {
  static constexpr const char* name = "greenroom.root";

  void open(root_self::stateful_pointer<root_state> actor, node_state* shared, root_options from);
  void on_exit(const caf::exit_msg& message);
  void respawn(std::uint32_t child);
  void open_pool(protocols::pool_kind kind);
  void restart_worker(const protocols::restart_worker& wish);
  void forward_commands(protocols::commands_posted what);
  void forward_settings_changed();
  /// To both pools.
  template <class Message>
  void send_to_pools(const Message& message) {
    for (const auto& one : pool_actors_)
      if (one) self_->send(one, message);
  }
  void drain_pool(const protocols::hand_over_pool& what);
  template <class Message>
  void send_to_journal(const Message& message);

  /// Null if the child is not running.
  [[nodiscard]] caf::actor actor_of(root_child child) const;

private:
  void spawn_child(root_child child);
  void spawn_pool(protocols::pool_kind kind);
  void announce_children();
  void clear_handle(root_child child);
  /// Remembers the address, by which the loss of the child is noticed.
  template <class Handle, class Spawned>
  void adopt(root_child child, Handle& handle, const Spawned& spawned) {
    handle = caf::actor_cast<Handle>(spawned);
    addresses_[static_cast<std::size_t>(child)] = handle.address();
  }

  root_self::stateful_pointer<root_state> self_ = nullptr;
  node_state* node_state_ = nullptr;
  root_options options_;
  protocols::journal_actor journal_;
  protocols::dispatcher_actor dispatcher_;
  protocols::memory_sampler_actor memory_sampler_;
  std::array<protocols::pool_actor, pool_count> pool_actors_;  ///< By `index_of`.
  protocols::monitor_actor monitor_;
  protocols::rollout_actor rollout_;
  protocols::rollback_actor rollback_;
  protocols::predictor_actor predictor_;
  std::array<caf::actor_addr, root_child_count> addresses_;
  std::array<runtime::restart_budget, root_child_count> budgets_;
};

root_self::behavior_type root(root_self::stateful_pointer<root_state> self, node_state* shared,
                              root_options options);

}  // namespace greenroom::actors
