// The specialists of a node: their state, their workers' lines, and warming by hand.
#include "actors/node/parts.hpp"
#include "actors/pooling/memory_sampler.hpp"
#include "actors/state/units.hpp"
#include "config/words.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace greenroom {

using protocols::pool_kind;

namespace {

specialist_view view_of_specialist(const node::parts& in, std::uint32_t index) {
  const auto& state = *in.state;
  const auto kind = in.admission->pool();
  const auto& catalog = state.catalogs.now();
  const auto& one = catalog.members[index];
  const auto& record = state.pools.of(kind).specialists[index];
  const auto& gauge = record.gauge;
  specialist_view result;
  result.name = one.config.name;
  result.department = catalog.departments[one.department];
  result.priority = config::word_of(one.config.priority);
  result.state = gauge.state.load(std::memory_order_relaxed);
  result.pid = gauge.pid.load(std::memory_order_relaxed);
  const auto now_bytes = gauge.memory_bytes.load(std::memory_order_relaxed);
  const auto bytes =
      now_bytes > 0 ? now_bytes : gauge.memory_seen_bytes.load(std::memory_order_relaxed);
  result.memory_measured = bytes > 0;
  result.memory_mb =
      bytes > 0 ? static_cast<double>(bytes) / actors::bytes_per_mb : one.config.memory_mb;
  result.cpu_share = actors::cpu_share_of(gauge);
  result.running = gauge.running.load(std::memory_order_relaxed);
  const auto depth = gauge.depth();
  result.queue_depth = depth - std::min<std::size_t>(depth, result.running);
  result.concurrency = one.config.backend.concurrency;
  for (const auto& end : gauge.ends) result.tasks += machine::count_of(end);
  using enum machine::task_outcome;
  for (const auto how : {failed, timeout})
    result.failures += machine::count_of(gauge.ends[static_cast<std::size_t>(how)]);
  result.cold_starts = machine::count_of(gauge.cold_starts);
  result.warm_hits = machine::count_of(gauge.warm_hits);
  result.restarts = machine::count_of(gauge.crashes);
  result.skipped_lines = machine::count_of(gauge.stray_lines);
  result.start_ms =
      static_cast<double>(gauge.start_ns.load(std::memory_order_relaxed)) * actors::ms_per_ns;
  result.run_ms =
      static_cast<double>(gauge.run_ns.load(std::memory_order_relaxed)) * actors::ms_per_ns;
  result.pinned = one.config.pin;
  result.circuit_open = gauge.open_until_ns.load(std::memory_order_relaxed) > state.clock.now_ns();
  result.last_error = record.last_error.read([](const std::string& text) { return text; });
  for (const auto each : {pool_kind::intelligent, pool_kind::baseline})
    result.old_definition =
        result.old_definition || state.pools.runs_old_definition(catalog, each, index);
  return result;
}

/// The number of a specialist by its name or alias.
base::expected<std::uint32_t, refusal> find(const node::parts& in, std::string_view name) {
  auto found = in.admission->find(name);
  if (auto* none = std::get_if<refusal>(&found)) return std::move(*none);
  return std::get<0>(found);
}

}  // namespace

std::vector<specialist_view> node::specialists() const {
  const actors::catalog_reader::scope reading;
  const auto& members = parts_->state->catalogs.now().members;
  std::vector<specialist_view> result;
  for (std::uint32_t i = 0; i < members.size(); ++i)
    if (!members[i].gone) result.push_back(view_of_specialist(*parts_, i));
  return result;
}

base::expected<specialist_view, refusal> node::specialist(std::string_view name) const {
  const actors::catalog_reader::scope reading;
  const auto found = greenroom::find(*parts_, name);
  if (!found) return found.error();
  return view_of_specialist(*parts_, *found);
}

base::expected<std::vector<worker_line>, refusal> node::worker_lines(std::string_view specialist,
                                                                     std::uint64_t after,
                                                                     std::size_t most) const {
  const actors::catalog_reader::scope reading;
  const auto found = greenroom::find(*parts_, specialist);
  if (!found) return found.error();
  return parts_->lines.of(parts_->state->catalogs.now().name_of(*found), after, most);
}

base::expected<void, refusal> node::warm(std::string_view specialist) {
  const actors::catalog_reader::scope reading;
  const auto found = greenroom::find(*parts_, specialist);
  if (!found) return found.error();
  caf::anon_send(parts_->root, protocols::warm_by_hand{*found});
  return {};
}

base::expected<void, refusal> node::cool(std::string_view specialist) {
  const actors::catalog_reader::scope reading;
  const auto found = greenroom::find(*parts_, specialist);
  if (!found) return found.error();
  caf::anon_send(parts_->root, protocols::cool_by_hand{*found});
  return {};
}

}  // namespace greenroom
