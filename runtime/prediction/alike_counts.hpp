// Counts of similar items; rare items borrow from the mean of all.
#pragma once

#include "runtime/state_text.hpp"

#include <cstddef>
#include <vector>

namespace greenroom::runtime {

/// Decayed counts whose expectations are assumed to follow a gamma distribution with a shape found
/// from the moments (empirical Bayes; Robbins, "An empirical Bayes approach to statistics", 1956):
/// the estimate of an item with few counts is near the mean, more so the less the items differ.
/// Amounts are in a unit chosen by the caller; the unit may grow, so that old counts lose weight.
class alike_counts {
public:
  /// `each` is the prior count of every item.
  alike_counts(std::size_t many, double each);

  void grow(std::size_t many);
  void add(std::size_t which, double amount);
  void divide(double by);  ///< Changes the unit.

  /// The expected count in units of `unit`, shrunk towards the mean. Positive.
  double expect(std::size_t which, double unit) const;
  double sum() const { return sum_; }
  void save(state_writer& to, double unit) const;
  void restore(state_reader& from);  ///< Reads `size()` counts, with a unit of 1.
  std::size_t size() const { return counts_.size(); }
  /// The count, at least 0.
  double at(std::size_t which) const { return counts_[which] > 0 ? counts_[which] : 0.0; }

private:
  std::vector<double> counts_;
  double sum_ = 0;
  double squares_ = 0;
};

}  // namespace greenroom::runtime
