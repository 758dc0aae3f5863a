#include "actors/surveyor.hpp"

#include <utility>

namespace greenroom::actors {

void surveyor_state::survey() {
  const auto now_ns = self->clock().now().time_since_epoch().count();
  const auto passed_ms =
      static_cast<std::uint64_t>(last_ns == 0 ? 0 : (now_ns - last_ns) / 1'000'000);
  last_ns = now_ns;
  const auto& cast = where->now_playing();
  // The pool that answers is the one that is accounted for.
  const auto main = where->pool(protocols::pool_kind::intelligent).open
                        ? protocols::pool_kind::intelligent
                        : protocols::pool_kind::baseline;
  std::uint64_t used = 0;
  std::uint64_t always = 0;
  std::uint64_t seen_sum = 0;
  std::uint64_t seen_count = 0;
  std::uint64_t unseen = 0;
  for (std::size_t kind = 0; kind < pools; ++kind) {
    auto& pool = where->pool(static_cast<protocols::pool_kind>(kind));
    if (!pool.open) continue;
    protocols::memory_survey found;
    for (std::uint32_t i = 0; i < cast.members.size(); ++i) {
      auto& gauge = pool.specialists[i]->gauge;
      const auto pid = gauge.pid.load(std::memory_order_relaxed);
      if (pid > 0) {
        const auto bytes = measure(pid);
        // It may have been stopped while it was measured.
        if (bytes > 0 && gauge.pid.load(std::memory_order_relaxed) == pid) {
          gauge.memory_bytes.store(bytes, std::memory_order_relaxed);
          const auto before = gauge.memory_seen_bytes.load(std::memory_order_relaxed);
          gauge.memory_seen_bytes.store(before == 0 ? bytes : before - before / 4 + bytes / 4,
                                        std::memory_order_relaxed);
          found.specialists.push_back(i);
          found.bytes.push_back(bytes);
          if (kind == static_cast<std::size_t>(main)) used += bytes;
        }
      }
      if (kind != static_cast<std::size_t>(main)) continue;
      const auto seen = gauge.memory_seen_bytes.load(std::memory_order_relaxed);
      const bool process = cast.members[i].config.backend.kind != config::backend_kind::function;
      if (!process || cast.members[i].gone) continue;
      if (seen > 0) {
        seen_sum += seen;
        ++seen_count;
      } else {
        ++unseen;
      }
    }
    if (!found.specialists.empty() && pool_actors[kind])
      self->send(pool_actors[kind], std::move(found));
  }
  // Those that never ran count as much as the mean of those that did.
  always = seen_sum + (seen_count > 0 ? unseen * (seen_sum / seen_count) : 0);
  where->used_kib_ms.fetch_add(used / 1024 * passed_ms, std::memory_order_relaxed);
  where->always_kib_ms.fetch_add(always / 1024 * passed_ms, std::memory_order_relaxed);
}

caf::behavior surveyor(surveyor_actor* self, house* where, memory_gauge measure,
                       std::chrono::milliseconds period) {
  auto& state = self->state;
  state.self = self;
  state.where = where;
  state.measure = std::move(measure);
  self->set_default_handler(caf::drop);
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
