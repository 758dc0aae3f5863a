// How far popularity tells who comes back, learnt from what two plain rules would have missed.
//
// Where the popular stay popular, an eviction by frequency is a good one; where popularity drifts,
// or each has its moment, it misleads, and recency is the better guide. No choice between the two
// is right for all traffic. So LRU and LFU each keep a ghost cache: who would be resident had that
// rule decided alone, under the same hard cap and without workers. A visit that one of them would
// have missed and the other would not is evidence, and old evidence is forgotten: the regret by
// which LeCaR mixes the two (Vietri et al., HotStorage 2018).
//
// A large ghost evicts from a sample of its residents, as Redis does, so the work for a visit is
// bounded whatever the number of slots. Nothing is random: the sample is drawn by a generator that
// starts at the same place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/pooling/seating.hpp"
#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

class frequency_trust {
public:
  /// How one specialist was used so far.
  struct usage {
    bool busy = false;  ///< Never evicted.
    std::uint64_t visits = 0;
    double idle_since_s = 0;
  };

  /// The first time that slots are scarce: the ghosts begin with what is resident and what is known
  /// of each specialist. Before, nothing is kept and nothing costs anything.
  void wake(std::span<const seat> seats, std::span<const specialist_facts> facts,
            const std::function<usage(specialist_index)>& known);
  bool awake() const { return awake_; }
  /// The cast has grown to so many.
  void grow(std::size_t specialists);

  /// `who` is visited after an idle time. A bounded number of residents is looked at for each ghost
  /// that misses.
  void visit(specialist_index who, const pool_limits& limits,
             std::span<const specialist_facts> facts);
  /// The visit is over. Constant work.
  void end(specialist_index who, double now_s);

  /// From 0, frequency misleads, to 1, where it begins.
  double value() const;

private:
  static constexpr std::uint32_t absent = 0xffffffff;
  enum rule : std::size_t { least_recent, least_frequent, rules };

  struct ghost {
    std::vector<specialist_index> residents;
    std::vector<std::uint32_t> at;  ///< Position among the residents, or `absent`.
    occupancy taken;
    double missed = 0;  ///< Visits that this one missed and the other did not; faded.
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
