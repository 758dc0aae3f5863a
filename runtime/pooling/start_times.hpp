// The expected start time of each specialist, from measured starts that slow each other down.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// One slow start is weak evidence: the machine may have been busy, or many workers may have
/// started at once. The estimate of a specialist moves towards the mean of all specialists. It
/// moves more if there are few starts or they vary much; it moves less if specialists differ much
/// from each other (empirical Bayes with normal logarithms, as in Efron and Morris, JASA 1975;
/// times are positive and vary by factors). A specialist that was never started is assumed to be
/// typical. Older starts have an exponentially smaller weight: 0.9 per later start of the
/// specialist.
class start_times {
public:
  /// Returns the previous number of specialists.
  std::size_t resize(std::size_t specialists);
  /// Discards the measurements of `who`.
  void forget(specialist_index who);
  /// Records a start of `who`. @pre `who` is below the size given to `resize`.
  void record_start(specialist_index who, double seconds);
  /// The expected start time of `who`; `default_s` while there are no measurements at all.
  double expected_s(specialist_index who, double default_s) const;
  /// The typical start time of all specialists; 0 while there are no measurements at all.
  double typical_s() const;

private:
  struct member {
    double mean = 0;   ///< Mean logarithm of the start times in seconds.
    double count = 0;  ///< Number of starts, faded.
  };

  std::vector<member> members_;
  std::size_t specialists_measured_ = 0;  ///< Specialists with at least one start.
  double sum_ = 0;                        ///< Sum of the members' means.
  double squares_ = 0;                    ///< Sum of the squares of the means.
  double reciprocals_ = 0;                ///< Sum of 1 ÷ count.
  double within_squares_ = 0;  ///< Squared deviations of starts from their member's mean, faded.
  double within_samples_ = 0;  ///< Number of those deviations, faded.
};

}  // namespace greenroom::runtime
