// Another configuration for a running node.
#include "actors/node/parts.hpp"
#include "actors/state/text.hpp"
#include "config/difference.hpp"

#include <utility>

namespace greenroom {

using actors::json_object;
using protocols::pool_kind;

namespace {

base::problem refused(std::string why) { return {"not-applied", std::move(why)}; }

/// Whether the running node can take over the configuration.
base::expected<void, base::problem> check(const node::parts& in, const config::difference& change,
                                          const config::node& before, const config::node& next) {
  if (!change.needs_restart.empty()) {
    std::string keys;
    for (const auto& key : change.needs_restart) keys += (keys.empty() ? "" : ", ") + key;
    return refused("these keys need a restart: " + keys);
  }
  for (const auto& department : next.departments)
    for (const auto& one : department.specialists)
      if (one.backend.kind == config::backend_kind::function && !in.callables->contains(one.name))
        return refused("no callable is registered for " + one.name);
  // The ledger's capacity is that of the configuration with which the node started.
  const auto capacity = in.state->ledger.capacity();
  if (const auto wanted = actors::tasks_at_once(next);
      wanted > capacity && wanted > actors::tasks_at_once(before))
    return refused("queue.total and the specialists' concurrency let " + std::to_string(wanted)
                   + " tasks into the node, and " + std::to_string(capacity)
                   + " have room until a restart");
  return {};
}

std::size_t count_old_workers(const actors::node_state& state) {
  const auto& catalog = state.catalogs.now();
  std::size_t result = 0;
  for (std::size_t kind = 0; kind < actors::pool_count; ++kind)
    for (std::uint32_t who = 0; who < catalog.members.size(); ++who)
      if (state.pools.runs_old_definition(catalog, static_cast<pool_kind>(kind), who)) ++result;
  return result;
}

/// @pre The caller holds `reload_mutex` and a `catalog_reader::scope`.
base::expected<node::reloaded> apply(node::parts& in, config::node configuration) {
  auto& state = *in.state;
  const auto& before = state.catalogs.now();
  const auto change = config::compare(before.config, configuration);
  if (const auto possible = check(in, change, before.config, configuration); !possible)
    return possible.error();
  const auto next =
      actors::make_catalog(std::move(configuration), &before, in.is_inline, state.vacant());
  if (!state.replace_catalog(next))
    return refused("the node has no room for that many more specialists until a restart");
  in.lines.keep([&](std::string_view name) { return next->find(name) != actors::catalog::nobody; });
  const node::reloaded result{config::to_string(change), count_old_workers(state)};
  caf::anon_send(in.root, protocols::settings_changed{});
  in.liveness_wake.notify_all();
  state.events.publish("config.reloaded", json_object{{"change", result.change},
                                                      {"workers_to_replace", result.workers}});
  return result;
}

}  // namespace

base::expected<node::reloaded> node::reload(config::node configuration) {
  const actors::catalog_reader::scope reading;
  const std::lock_guard lock{parts_->reload_mutex};
  return apply(*parts_, std::move(configuration));
}

base::expected<node::reloaded> node::tune(const pool_settings& wanted) {
  const actors::catalog_reader::scope reading;
  // Copied under the lock: a concurrent reload would be undone.
  const std::lock_guard lock{parts_->reload_mutex};
  auto changed = parts_->state->catalogs.now().config;
  if (wanted.max_warm) changed.pool.max_warm = *wanted.max_warm;
  if (wanted.cooldown) changed.pool.cooldown = *wanted.cooldown;
  if (wanted.target_memory) changed.pool.target_memory = *wanted.target_memory;
  return apply(*parts_, std::move(changed));
}

config::node node::configuration() const {
  const actors::catalog_reader::scope reading;
  return parts_->state->catalogs.now().config;
}

}  // namespace greenroom
