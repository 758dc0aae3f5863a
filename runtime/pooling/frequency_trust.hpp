// Learns from two ghost caches, LRU and LFU, how far frequency predicts returns.
//
// Where popular specialists stay popular, eviction by frequency is right; where popularity drifts,
// or each specialist has bursts, recency is the better guide. Neither is right for all traffic. So
// LRU and LFU each keep a ghost cache: the specialists that would be resident under that rule
// alone, with the same hard cap and without workers. A visit that one ghost misses and the other
// does not is evidence, and old evidence fades: the regret by which LeCaR mixes the two (Vietri et
// al., HotStorage 2018).
//
// A large ghost evicts from a sample of its residents, as Redis does, so the work per visit is
// bounded for any number of slots. The generator has a fixed seed, so results are reproducible.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/pooling/capacity.hpp"
#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

class frequency_trust {
public:
  /// The use of one specialist so far.
  struct usage {
    bool busy = false;  ///< Never evicted.
    std::uint64_t visits = 0;
    double idle_since_s = 0;
  };

  /// Call when slots are scarce for the first time: the ghosts start with the current residents and
  /// the known usage. Before this call the object keeps nothing and costs nothing.
  void wake(std::span<const slot_state> slot_states, std::span<const specialist_facts> facts,
            const std::function<usage(specialist_index)>& known);
  bool awake() const { return awake_; }
  /// The cast has grown to `specialists`.
  void grow(std::size_t specialists);

  /// `who` is visited after an idle time. Examines a bounded number of residents for each ghost
  /// that misses.
  void visit(specialist_index who, const pool_limits& limits,
             std::span<const specialist_facts> facts);
  /// The visit is over. Constant work.
  void end(specialist_index who, double now_s);

  /// From 0 (frequency misleads) to 1 (frequency is fully trusted).
  double value() const;

private:
  static constexpr std::uint32_t absent = 0xffffffff;
  enum rule : std::size_t { least_recent, least_frequent, rules };

  struct ghost {
    std::vector<specialist_index> residents;
    std::vector<std::uint32_t> at;  ///< Position among the residents, or `absent`.
    occupancy taken;
    double missed = 0;  ///< Visits that this ghost missed and the other did not; faded.
  };

  void add(ghost& one, specialist_index who, std::span<const specialist_facts> facts);
  void remove(ghost& one, specialist_index who, std::span<const specialist_facts> facts);
  bool evict(rule by, std::span<const specialist_facts> facts);
  std::uint64_t draw();

  bool awake_ = false;
  std::array<ghost, rules> ghosts_;
  std::vector<usage> known_;
  std::uint64_t drawn_ = 0x9e3779b97f4a7c15;
};

}  // namespace greenroom::runtime
