#include "protocols/base/random.hpp"

#include "protocols/base/hash.hpp"

#include <cassert>
#include <cmath>
#include <numbers>

namespace greenroom::base {

std::uint64_t random_source::next() {
  state_ += golden_step;
  return mixed(state_);
}

double random_source::uniform() { return static_cast<double>(next() >> 11U) * 0x1p-53; }

double random_source::exponential(double mean) {
  assert(mean > 0);
  // 1 - u is in (0, 1], so the logarithm is finite; the added minimum keeps the result above 0.
  return -mean * std::log1p(-uniform()) + mean * 0x1p-60;
}

double random_source::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

std::size_t random_source::below(std::size_t bound) {
  assert(bound > 0);
  return static_cast<std::size_t>(uniform() * static_cast<double>(bound));
}

}  // namespace greenroom::base
