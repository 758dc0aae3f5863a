// The memory sampler: measures what running workers take of the machine.
#pragma once

#include "actors/monitoring/pool_sampler.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/memory_use.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/process/process_memory.hpp"

#include <caf/all.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace greenroom::actors {

/// What the process takes; no bytes when it has ended. Reading /proc blocks, so the memory sampler
/// runs on a thread of its own (spawn it detached).
using usage_gauge = std::function<machine::process_usage(int pid)>;

/// The worker's share of one core at the last sample; 0 when the worker does not run.
[[nodiscard]] double cpu_share_of(const machine::specialist_gauge& gauge);

/// What the memory sampler works with.
struct memory_sampler_parts {
  unexpected_messages& unexpected;
  node_clock& clock;
  const catalog_store& catalogs;
  pool_records& pools;
  const routing_table& routes;
  memory_use& memory;
  sampler_parts sampling;
};

using sample_atom = caf::atom_constant<caf::atom("sample")>;

/// The interface and the memory sampler's own timer.
using memory_sampler_self = protocols::memory_sampler_actor::extend<
    // The period has passed: measure every running worker.
    caf::reacts_to<sample_atom>>;

/// Samples every period: sends `memory_survey` to the pools, and sums up memory over time for the
/// efficiency.
struct memory_sampler_state {
  static constexpr const char* name = "greenroom.memory_sampler";

  void open(memory_sampler_self::stateful_pointer<memory_sampler_state> actor,
            const memory_sampler_parts& from, usage_gauge gauge, std::chrono::milliseconds every);
  void on_pool(const protocols::pool_joined& news);
  void on_sample();

private:
  /// The processor time of a worker at the last sample.
  struct reading {
    int pid = 0;
    std::int64_t at_ns = 0;
    std::chrono::milliseconds used{0};
  };
  void sample_pool(protocols::pool_kind kind, std::int64_t now_ns);
  void sum_up(std::uint64_t passed_ms);
  void measure_processor(protocols::pool_kind kind, std::uint32_t who, int pid,
                         std::chrono::milliseconds used, std::int64_t now_ns);
  [[nodiscard]] std::uint64_t bytes_used_by(protocols::pool_kind kind) const;

  memory_sampler_self::stateful_pointer<memory_sampler_state> self_ = nullptr;
  std::optional<memory_sampler_parts> parts_;
  usage_gauge measure_;
  std::chrono::milliseconds period_{0};
  std::array<std::vector<reading>, pool_count> readings_;  ///< By pool, and index in the catalog.
  std::array<protocols::pool_actor, pool_count> pool_actors_;
  std::int64_t last_ns_ = 0;
  bool two_pools_ = false;  ///< At the last sample.
};

memory_sampler_self::behavior_type memory_sampler(
    memory_sampler_self::stateful_pointer<memory_sampler_state> self,
    const memory_sampler_parts& parts, usage_gauge measure, std::chrono::milliseconds period);

}  // namespace greenroom::actors
