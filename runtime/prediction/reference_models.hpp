// Plain models; the blended model must not be worse than these.
#pragma once

#include "runtime/prediction/context_table.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

namespace greenroom::runtime {

/// Exact counts of the successors of each suffix of up to `order` steps; ranks by the longest known
/// suffix, most frequent first, then by shorter ones. Order 1 is the first-order Markov model.
/// Unbounded memory: for evaluation only.
class back_off_model {
public:
  explicit back_off_model(std::size_t order) : order_(order) {}

  void learn(std::span<const specialist_index> prefix, specialist_index next);
  /// Up to `wanted` steps, best first. Equal counts: the first one seen.
  std::vector<specialist_index> rank(std::span<const specialist_index> prefix,
                                     std::size_t wanted) const;

private:
  struct successor {
    specialist_index who;
    std::uint32_t times;
  };
  std::uint64_t key(std::span<const specialist_index> prefix, std::size_t length) const;

  std::size_t order_;
  std::unordered_map<std::uint64_t, std::vector<successor>> seen_;
};

}  // namespace greenroom::runtime
