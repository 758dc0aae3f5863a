// How long each specialist's start takes, from starts that were measured and all disturb each
// other.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// One slow start says little: the machine may have been busy, and where many start at once each
/// of them takes long. So what is measured of one specialist is drawn towards the typical start of
/// the cast, the more so the fewer starts it has had and the more they differ, and the less so the
/// more the specialists differ from each other (empirical Bayes with normal logarithms, as in
/// Efron and Morris, JASA 1975; times are positive and vary by factors). One that was never started
/// is taken to be typical. Older starts fade.
class start_times {
public:
  /// Returns how many it had before.
  std::size_t grow(std::size_t specialists);
  /// Nothing was measured of `who` yet.
  void forget(specialist_index who);
  /// A start of `who` took so long. @pre who < the size it was grown to.
  void measured(specialist_index who, double seconds);
  /// What a start of `who` is expected to take; `unknown_s` while nobody was ever started.
  double expected_s(specialist_index who, double unknown_s) const;
  /// The typical start of the cast, 0 while nobody was ever started.
  double typical_s() const;

private:
  struct member {
    double mean = 0;   ///< Of the logarithms of its starts in seconds.
    double count = 0;  ///< Its starts, faded.
  };

  std::vector<member> members_;
  std::size_t timed_ = 0;    ///< Members that were ever started.
  double sum_ = 0;           ///< Of their means, …
  double squares_ = 0;       ///< … of the squares of those,
  double reciprocals_ = 0;   ///< and of 1 ÷ count.
  double within_ = 0;        ///< Squares of a start against its member's mean, faded, …
  double within_count_ = 0;  ///< … and how many.
};

}  // namespace greenroom::runtime
