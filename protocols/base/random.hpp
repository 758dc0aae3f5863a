// Random numbers that are identical for a seed on every machine and library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace greenroom::base {

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
/// The distributions of <random> differ between libraries; these do not.
class random_source {
public:
  explicit random_source(std::uint64_t seed) : state_{seed} {}

  std::uint64_t next();
  /// In [0, 1).
  double uniform();
  /// Exponential with this mean; > 0. @pre mean > 0
  double exponential(double mean);
  /// Normal with mean 0 and standard deviation 1 (Box and Muller).
  double normal();
  /// Uniform in [0, bound). @pre bound > 0
  std::size_t below(std::size_t bound);
  /// An independent source, for a stream that must not depend on the draws of others.
  random_source split() { return random_source{next()}; }

private:
  std::uint64_t state_;
};

}  // namespace greenroom::base
