#include "actors/supervision/root.hpp"

#include "actors/pooling/predictor.hpp"
#include "actors/rollout/rollback.hpp"
#include "actors/rollout/rollout.hpp"
#include "actors/state/text.hpp"
#include "actors/supervision/hand_out.hpp"
#include "actors/supervision/pool.hpp"
#include "actors/tasks/dispatcher.hpp"
#include "protocols/base/duration.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::actors {

using protocols::pool_kind;

namespace {

constexpr std::array<std::string_view, root_child_count> child_names{
    "journal", "dispatcher", "memory sampler", "intelligent pool", "baseline pool",
    "monitor", "rollout",    "rollback",       "predictor"};

}  // namespace

// -- children -----------------------------------------------------------------

void root_state::spawn_child(root_child child) {
  auto& from = *node_state_;
  const auto root = protocols::root_actor{self_};
  switch (child) {
    case root_child::journal:
      if (options_.open_journal)
        adopt(child, journal_,
              self_->spawn<journal_actor, caf::linked + caf::detached>(
                  hand_out<journal_parts>(from), options_.open_journal));
      break;
    case root_child::dispatcher:
      adopt(child, dispatcher_,
            self_->spawn<dispatcher, caf::linked>(hand_out<dispatcher_parts>(from)));
      break;
    case root_child::memory_sampler:
      if (options_.read_memory)
        adopt(child, memory_sampler_,
              self_->spawn<caf::linked + caf::detached>(
                  memory_sampler, hand_out<memory_sampler_parts>(from), options_.read_memory,
                  options_.memory_sample_period));
      break;
    case root_child::intelligent_pool: spawn_pool(pool_kind::intelligent); break;
    case root_child::baseline_pool: spawn_pool(pool_kind::baseline); break;
    case root_child::monitor:
      if (options_.with_monitor_and_rollout)
        adopt(
            child, monitor_,
            self_->spawn<caf::linked>(monitor, hand_out<monitor_parts>(from), root, options_.post));
      break;
    case root_child::rollout:
      if (options_.with_monitor_and_rollout)
        adopt(child, rollout_,
              self_->spawn<caf::linked>(rollout, hand_out<rollout_parts>(from), root));
      break;
    case root_child::rollback:
      if (options_.with_monitor_and_rollout)
        adopt(child, rollback_,
              self_->spawn<caf::linked>(rollback, hand_out<rollback_parts>(from), root,
                                        options_.probe));
      break;
    case root_child::predictor:
      if (!options_.with_predictor) break;
      if (options_.predictor_detached)
        adopt(
            child, predictor_,
            self_->spawn<caf::linked + caf::detached>(predictor, hand_out<predictor_parts>(from)));
      else
        adopt(child, predictor_,
              self_->spawn<caf::linked>(predictor, hand_out<predictor_parts>(from)));
      break;
  }
  announce_children();
}

void root_state::spawn_pool(pool_kind kind) {
  const auto& policy = options_.policies[index_of(kind)];
  if (!policy || options_.opens_on_request[index_of(kind)]) return;
  adopt(child_of(kind), pool_actors_[index_of(kind)],
        self_->spawn<caf::linked>(pool, hand_out<pool_parts>(*node_state_), kind, policy));
}

// A new child must know the pools, and a pool may be new.
void root_state::announce_children() {
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline}) {
    const auto& one = pool_actors_[index_of(kind)];
    if (!one) continue;
    const protocols::pool_joined news{kind, one};
    if (dispatcher_) self_->send(dispatcher_, news);
    if (memory_sampler_) self_->send(memory_sampler_, news);
    if (predictor_) self_->send(one, protocols::predictor_joined{predictor_});
  }
}

void root_state::open(root_self::stateful_pointer<root_state> actor, node_state* shared,
                      root_options from) {
  self_ = actor;
  node_state_ = shared;
  options_ = std::move(from);
  for (std::uint32_t child = 0; child < root_child_count; ++child)
    spawn_child(static_cast<root_child>(child));
}

void root_state::respawn(std::uint32_t child) {
  spawn_child(static_cast<root_child>(child));
  node_state_->events.publish("actor.back", json_object{{"actor", child_names[child]}});
}

void root_state::open_pool(pool_kind kind) {
  if (std::exchange(options_.opens_on_request[index_of(kind)], false)) spawn_child(child_of(kind));
}

caf::actor root_state::actor_of(root_child child) const {
  return caf::actor_cast<caf::actor>(addresses_[static_cast<std::size_t>(child)]);
}

void root_state::clear_handle(root_child child) {
  addresses_[static_cast<std::size_t>(child)] = nullptr;
  switch (child) {
    case root_child::journal: journal_ = nullptr; break;
    case root_child::dispatcher: dispatcher_ = nullptr; break;
    case root_child::memory_sampler: memory_sampler_ = nullptr; break;
    case root_child::intelligent_pool:
      pool_actors_[index_of(pool_kind::intelligent)] = nullptr;
      break;
    case root_child::baseline_pool: pool_actors_[index_of(pool_kind::baseline)] = nullptr; break;
    case root_child::monitor: monitor_ = nullptr; break;
    case root_child::rollout: rollout_ = nullptr; break;
    case root_child::rollback: rollback_ = nullptr; break;
    case root_child::predictor: predictor_ = nullptr; break;
  }
}

void root_state::on_exit(const caf::exit_msg& message) {
  const auto found = std::ranges::find_if(
      addresses_, [&](const auto& one) { return one && one == message.source; });
  if (found == addresses_.end()) {
    self_->quit(message.reason ? message.reason : caf::error{caf::exit_reason::user_shutdown});
    return;
  }
  const auto child = static_cast<std::uint32_t>(found - addresses_.begin());
  clear_handle(static_cast<root_child>(child));
  node_state_->events.publish("actor.lost", json_object{{"actor", child_names[child]}});
  const auto& limits = node_state_->catalogs.now().config.supervision;
  const auto delay = budgets_[child].next_restart(
      {limits.restarts_max, limits.window, limits.delay}, self_->clock().now());
  if (delay) {
    self_->delayed_send(self_, *delay, respawn_atom::value, child);
    return;
  }
  if (node_state_->on_fatal)
    node_state_->on_fatal("the " + std::string{child_names[child]} + " died "
                          + std::to_string(limits.restarts_max + 1) + " times within "
                          + base::format_duration(limits.window));
  self_->quit(caf::exit_reason::unhandled_exception);
}

// -- messages for children ----------------------------------------------------

void root_state::forward_settings_changed() {
  const protocols::settings_changed news;
  send_to_pools(news);
  if (monitor_) self_->send(monitor_, news);
  if (rollout_) self_->send(rollout_, news);
  if (rollback_) self_->send(rollback_, news);
  if (predictor_) self_->send(predictor_, news);
}

void root_state::forward_commands(protocols::commands_posted what) {
  if (what.to == protocols::commanded_actor::rollout) {
    if (rollout_) self_->send(rollout_, what);
  } else if (rollback_) {
    self_->send(rollback_, what);
  }
}

void root_state::drain_pool(const protocols::hand_over_pool& what) {
  if (const auto& one = pool_actors_[index_of(what.pool)])
    self_->send(one, protocols::hand_over_tasks{what.fence});
}

void root_state::restart_worker(const protocols::restart_worker& wish) {
  const auto& one = pool_actors_[index_of(wish.pool)];
  if (!one) return;
  self_->send(one, protocols::cool_by_hand{wish.specialist});
  self_->send(one, protocols::warm_by_hand{wish.specialist});
}

template <class Message>
void root_state::send_to_journal(const Message& message) {
  if (journal_) self_->send(journal_, message);
}

root_self::behavior_type root(root_self::stateful_pointer<root_state> self, node_state* shared,
                              root_options options) {
  auto& state = self->state;
  shared->unexpected.watch(self);
  self->set_exit_handler([&state](const caf::exit_msg& message) { state.on_exit(message); });
  state.open(self, shared, std::move(options));
  return {
      [&state](respawn_atom, std::uint32_t child) { state.respawn(child); },
      [&state](protocols::settings_changed) { state.forward_settings_changed(); },
      [&state](protocols::check_workers what) { state.send_to_pools(what); },
      [&state](protocols::reconcile_slots what) { state.send_to_pools(what); },
      [&state](protocols::warm_by_hand what) { state.send_to_pools(what); },
      [&state](protocols::cool_by_hand what) { state.send_to_pools(what); },
      [&state](protocols::restart_worker wish) { state.restart_worker(wish); },
      [&state](protocols::open_pool what) { state.open_pool(what.pool); },
      [&state](protocols::hand_over_pool what) { state.drain_pool(what); },
      [&state](protocols::commands_posted what) { state.forward_commands(what); },
      [&state](const protocols::state_to_keep& what) { state.send_to_journal(what); },
      [&state](const protocols::state_to_confirm& what) { state.send_to_journal(what); },
      [&state](const protocols::event_to_log& what) { state.send_to_journal(what); },
  };
}

}  // namespace greenroom::actors
