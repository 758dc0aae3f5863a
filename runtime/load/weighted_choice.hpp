// Picks an item by weight in constant time.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "protocols/base/random.hpp"

namespace greenroom::runtime::load {

/// Alias method (Walker 1974, as given by Vose 1991): one table look-up per pick.
class weighted_choice {
public:
  /// @pre At least one weight; all finite and ≥ 0; their sum > 0.
  explicit weighted_choice(std::span<const double> weights);

  [[nodiscard]] std::size_t pick(base::random_source& random) const;
  [[nodiscard]] std::size_t size() const { return share_.size(); }

private:
  std::vector<double> share_;       ///< The share of its own cell that each item keeps.
  std::vector<std::size_t> other_;  ///< The item that has the rest of the cell.
};

/// Zipf's law: weight of rank r (from 1) is r^-exponent. Exponent 0 is uniform.
std::vector<double> zipf_weights(std::size_t count, double exponent);

}  // namespace greenroom::runtime::load
