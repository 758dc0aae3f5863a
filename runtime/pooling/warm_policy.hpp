// The interface of every warm-slot policy, in the node, the simulator and the tests: which
// specialists should be warm?
#pragma once

#include "protocols/base/slot_reason.hpp"
#include "protocols/base/worker_state.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace greenroom::runtime {

/// Position of a specialist in its cast, dense from 0.
using specialist_index = std::uint32_t;

/// Times are seconds since the Unix epoch (hours of the day matter), durations are seconds, memory
/// is in megabytes of 10^6 bytes.
constexpr double never_s = std::numeric_limits<double>::infinity();

/// Facts about a specialist. Load time and memory are measured once it has run.
struct specialist_facts {
  std::uint32_t department = 0;
  double priority_weight = 1.0;  ///< Above 1: kept at a lower value.
  bool pinned = false;           ///< Always warm, outside every budget.
  double load_s = 1.0;
  double memory_mb = 5.0;
};

using base::worker_state;

/// Slot state of one specialist at the moment of a call; owned by the caller.
struct slot_state {
  worker_state state = worker_state::cold;
  std::uint32_t tasks = 0;  ///< Waiting and running. More than 0: never evicted.
  double since_s = 0;       ///< When it entered `state`.
  double idle_since_s = 0;  ///< End of the last task, or the time it became warm if unused.
};

struct pool_limits {
  std::size_t max_warm = 17;
  double memory_budget_mb = 0;  ///< Hard cap on measured memory; 0: none.
  double target_memory = 0;     ///< Target for the mean share of always-warm memory; 0: none.
  /// A worker is not evicted for another one sooner than this after its start. Below 0: twice the
  /// load time, at most `automatic_residency_max_s`.
  double min_residency_s = 2;
  double automatic_residency_max_s = 2;
  double cooldown_s = 45;
  double warm_threshold = 0.3;  ///< Adapts within [0.2, 0.6].
  bool adaptive = true;
  std::size_t warming_concurrency = 3;
};

/// A `min_residency_s` that follows each specialist's load time.
constexpr double automatic_residency = -1;

/// How long a worker of that specialist keeps its slot after a start. The residency follows the
/// cost of the start: where starts take 20 ms, a residency of 2 s would delay the next task in the
/// queue by a hundred starts.
inline double residency_of(const specialist_facts& facts, const pool_limits& limits) {
  constexpr double starts = 2;
  if (limits.min_residency_s >= 0) return limits.min_residency_s;
  const double seconds = starts * facts.load_s;
  return seconds < limits.automatic_residency_max_s ? seconds : limits.automatic_residency_max_s;
}

using reason = base::slot_reason;

struct change {
  specialist_index who = 0;
  reason why = reason::demand;
  double score = 0;  ///< The policy's value for it; larger: more worth being warm.
};

/// The changes that a review asks for, highest value first. The caller may carry out fewer.
struct plan {
  std::vector<change> warm;
  std::vector<change> cool;
  double next_review_s = never_s;  ///< Review again no later than this.
};

class warm_policy {
public:
  virtual ~warm_policy() = default;

  /// A specialist joins the cast, or its facts change. Call for 0, 1, 2 … before anything else.
  virtual void learn(specialist_index who, const specialist_facts& facts) = 0;
  virtual void set_limits(const pool_limits& limits) = 0;

  /// A task arrived. `case_key` is a hash of the session it belongs to, 0 when it has none.
  /// Constant work.
  virtual void observe_arrival(specialist_index who, std::uint64_t case_key, double now_s) = 0;
  /// The last task in flight ended. Constant work.
  virtual void observe_idle(specialist_index who, double now_s) = 0;

  /// `who` is needed now and is not resident. Returns the idle specialists to evict for it, in
  /// order; they are never busy, pinned or within their minimum residency. If `fits` is false there
  /// is no room even then, and the caller waits for a slot.
  struct room {
    bool fits = false;
    std::vector<change> evict;
  };
  virtual room make_room(specialist_index who, std::span<const slot_state> slot_states,
                         double now_s) = 0;

  /// Returns what to prewarm and cool now.
  virtual plan review(std::span<const slot_state> slot_states, double now_s) = 0;
};

}  // namespace greenroom::runtime
