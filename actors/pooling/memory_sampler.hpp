// The memory_sampler: measures what running workers take of the machine.
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

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace greenroom::actors {

/// What the process takes, no bytes when it is gone. Reading /proc blocks, so the memory_sampler
/// runs on a thread of its own (spawn it detached).
using usage_gauge = std::function<machine::process_usage(int pid)>;

/// Of one core, at the last survey; 0 when it does not run.
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

struct memory_sampler_state {
  static constexpr const char* name = "greenroom.memory_sampler";

  caf::event_based_actor* self = nullptr;
  std::optional<memory_sampler_parts> parts;
  usage_gauge measure;
  /// The processor time of a worker at the last survey, by pool and index in the cast.
  struct reading {
    int pid = 0;
    std::int64_t at_ns = 0;
    std::chrono::milliseconds used{0};
  };
  std::array<std::vector<reading>, pools> readings;
  std::array<caf::actor, pools> pool_actors;
  std::int64_t last_ns = 0;
  bool two_pools = false;  ///< At the last survey.

  void survey();
  void sum_up(std::uint64_t passed_ms);
  void measure_processor(std::size_t kind, std::uint32_t who, int pid,
                         std::chrono::milliseconds used, std::int64_t now_ns);
};

using memory_sampler_actor = caf::stateful_actor<memory_sampler_state>;

/// Surveys every `period`: sends `memory_survey` to the pools, which it learns by
/// `(hire_atom, kind, actor)`, and sums up memory over time for the efficiency.
caf::behavior memory_sampler(memory_sampler_actor* self, const memory_sampler_parts& parts,
                             usage_gauge measure, std::chrono::milliseconds period);

}  // namespace greenroom::actors
