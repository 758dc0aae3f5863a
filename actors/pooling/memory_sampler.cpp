#include "actors/pooling/memory_sampler.hpp"

#include "actors/monitoring/pool_sampler.hpp"

#include <utility>

namespace greenroom::actors {

namespace {

void add(memory_sum& to, std::uint64_t used, std::uint64_t always, std::uint64_t passed_ms) {
  to.used_kib_ms.fetch_add(used / 1024 * passed_ms, std::memory_order_relaxed);
  to.always_kib_ms.fetch_add(always / 1024 * passed_ms, std::memory_order_relaxed);
}

}  // namespace

double cpu_share_of(const machine::specialist_gauge& gauge) {
  if (gauge.pid.load(std::memory_order_relaxed) <= 0) return 0;
  return gauge.cpu_permille.load(std::memory_order_relaxed) * 1e-3;
}

void memory_sampler_state::measure_processor(std::size_t kind, std::uint32_t who, int pid,
                                             std::chrono::milliseconds used, std::int64_t now_ns) {
  auto& before = readings[kind][who];
  auto& gauge = parts->pools.of(static_cast<protocols::pool_kind>(kind)).specialists[who].gauge;
  double share = 0;
  // A child that has ended takes its time along, so the sum may shrink.
  if (before.pid == pid && now_ns > before.at_ns && used > before.used)
    share = static_cast<double>((used - before.used).count()) * 1e6
            / static_cast<double>(now_ns - before.at_ns);
  gauge.cpu_permille.store(static_cast<std::uint32_t>(share * 1e3), std::memory_order_relaxed);
  before = {pid, now_ns, used};
}

void memory_sampler_state::survey() {
  catalog_reader::turn();  // It has a thread of its own.
  parts->clock.read_wall_clock();
  const auto now_ns = self->clock().now().time_since_epoch().count();
  const auto passed_ms =
      static_cast<std::uint64_t>(last_ns == 0 ? 0 : (now_ns - last_ns) / 1'000'000);
  last_ns = now_ns;
  const auto& cast = parts->catalogs.now();
  for (std::size_t kind = 0; kind < pools; ++kind) {
    auto& pool = parts->pools.of(static_cast<protocols::pool_kind>(kind));
    if (!pool.open) continue;
    protocols::memory_survey found;
    readings[kind].resize(cast.members.size());
    for (std::uint32_t i = 0; i < cast.members.size(); ++i) {
      auto& gauge = pool.specialists[i].gauge;
      const auto pid = gauge.pid.load(std::memory_order_relaxed);
      if (pid <= 0) continue;
      const auto usage = measure(pid);
      const auto bytes = usage.memory_bytes;
      // It may have been stopped while it was measured.
      if (bytes == 0 || gauge.pid.load(std::memory_order_relaxed) != pid) continue;
      gauge.memory_bytes.store(bytes, std::memory_order_relaxed);
      const auto before = gauge.memory_seen_bytes.load(std::memory_order_relaxed);
      gauge.memory_seen_bytes.store(before == 0 ? bytes : before - before / 4 + bytes / 4,
                                    std::memory_order_relaxed);
      measure_processor(kind, i, pid, usage.processor_time, now_ns);
      found.specialists.push_back(i);
      found.bytes.push_back(bytes);
    }
    if (!found.specialists.empty() && pool_actors[kind])
      self->send(pool_actors[kind], std::move(found));
  }
  sum_up(passed_ms);
}

void memory_sampler_state::sum_up(std::uint64_t passed_ms) {
  using protocols::pool_kind;
  const auto always = static_cast<std::uint64_t>(always_warm_bytes(parts->sampling));
  const auto used_by = [&](pool_kind kind) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < parts->catalogs.now().members.size(); ++i)
      sum +=
          parts->pools.of(kind).specialists[i].gauge.memory_bytes.load(std::memory_order_relaxed);
    return sum;
  };
  const auto smart_bytes = used_by(pool_kind::intelligent);
  const auto plain_bytes = used_by(pool_kind::baseline);
  // An emptied pool saves nothing, it does not work.
  const auto& intelligent = parts->pools.of(pool_kind::intelligent);
  const bool works =
      intelligent.open && parts->routes.now().routes != runtime::rollout::mode::fallback;
  if (works) add(parts->memory.intelligent, smart_bytes, always, passed_ms);
  // What a rollout costs while it lasts says nothing of the time before and after it.
  const bool both =
      works && parts->pools.of(pool_kind::baseline).open && parts->routes.baseline_warm.load();
  if (std::exchange(two_pools, both) != both) {
    parts->memory.all.used_kib_ms = 0;
    parts->memory.all.always_kib_ms = 0;
  }
  add(parts->memory.all, smart_bytes + plain_bytes, always, passed_ms);
}

caf::behavior memory_sampler(memory_sampler_actor* self, const memory_sampler_parts& parts,
                             usage_gauge measure, std::chrono::milliseconds period) {
  auto& state = self->state;
  state.self = self;
  state.parts.emplace(parts);
  state.measure = std::move(measure);
  parts.unexpected.watch(self);
  self->delayed_send(self, period, protocols::tick_atom::value);
  return {
      [&state](protocols::hire_atom, std::uint32_t kind, const caf::actor& pool) {
        state.pool_actors[kind] = pool;
      },
      [&state, period](protocols::tick_atom) {
        state.survey();
        state.self->delayed_send(state.self, period, protocols::tick_atom::value);
      },
  };
}

}  // namespace greenroom::actors
