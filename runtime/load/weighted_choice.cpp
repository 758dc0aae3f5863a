#include "runtime/load/weighted_choice.hpp"

#include <cassert>
#include <cmath>
#include <numeric>

namespace greenroom::runtime::load {

weighted_choice::weighted_choice(std::span<const double> weights)
    : share_(weights.size(), 1.0), other_(weights.size()) {
  assert(!weights.empty());
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  assert(sum > 0);
  const auto count = weights.size();
  std::vector<double> left(count);
  std::vector<std::size_t> small;
  std::vector<std::size_t> large;
  for (std::size_t at = 0; at < count; ++at) {
    other_[at] = at;
    left[at] = weights[at] / sum * static_cast<double>(count);
    (left[at] < 1 ? small : large).push_back(at);
  }
  while (!small.empty() && !large.empty()) {
    const auto poor = small.back();
    small.pop_back();
    const auto rich = large.back();
    share_[poor] = left[poor];
    other_[poor] = rich;
    left[rich] -= 1 - left[poor];
    if (left[rich] < 1) {
      large.pop_back();
      small.push_back(rich);
    }
  }
  // Rounding may leave some items; an item with weight keeps its whole cell. Items of weight 0 were
  // assigned above, because 0 is below 1 and another item is above it.
}

std::size_t weighted_choice::pick(base::random_source& random) const {
  const auto cell = random.below(share_.size());
  return random.uniform() < share_[cell] ? cell : other_[cell];
}

std::vector<double> zipf_weights(std::size_t count, double exponent) {
  std::vector<double> weights(count);
  for (std::size_t at = 0; at < count; ++at)
    weights[at] = std::pow(static_cast<double>(at + 1), -exponent);
  return weights;
}

}  // namespace greenroom::runtime::load
