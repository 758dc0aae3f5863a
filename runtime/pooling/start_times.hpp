// The expected start time of each specialist, from measured starts that slow each other down.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// One slow start is weak evidence: the machine may have been busy, or many workers may have
/// started at once. The estimate for a specialist is shrunk towards the cast's typical start, more
/// when the specialist has few starts or they vary, less when the specialists differ from each
/// other (empirical Bayes with normal logarithms, as in Efron and Morris, JASA 1975; times are
/// positive and vary by factors). A specialist that was never started is assumed to be typical.
/// Older starts fade.
class start_times {
public:
  /// Returns the previous number of specialists.
  std::size_t grow(std::size_t specialists);
  /// Discards the measurements of `who`.
  void forget(specialist_index who);
  /// Records a start of `who`. @pre `who` is below the size given to `grow`.
  void measured(specialist_index who, double seconds);
  /// The expected start time of `who`; `unknown_s` while there are no measurements at all.
  double expected_s(specialist_index who, double unknown_s) const;
  /// The typical start time of the cast; 0 while there are no measurements at all.
  double typical_s() const;

private:
  struct member {
    double mean = 0;   ///< Mean logarithm of the start times in seconds.
    double count = 0;  ///< Number of starts, faded.
  };

  std::vector<member> members_;
  std::size_t timed_ = 0;    ///< Members with at least one start.
  double sum_ = 0;           ///< Sum of the members' means.
  double squares_ = 0;       ///< Sum of the squares of the means.
  double reciprocals_ = 0;   ///< Sum of 1 ÷ count.
  double within_ = 0;        ///< Squared deviations of starts from their member's mean, faded.
  double within_count_ = 0;  ///< Number of those deviations, faded.
};

}  // namespace greenroom::runtime
