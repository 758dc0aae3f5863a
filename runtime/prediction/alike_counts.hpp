// Counts of many of a kind, of which the rare ones borrow from all.
#pragma once

#include "runtime/state_text.hpp"

#include <cstddef>
#include <vector>

namespace greenroom::runtime {

/// Decayed counts whose expectations are thought to be spread as a gamma distribution, its shape
/// found from the moments (empirical Bayes; Robbins, "An empirical Bayes approach to statistics",
/// 1956): one of which little is known is taken to be as all are, the more so the less they differ.
/// Amounts are in a unit of the caller's that may grow, so that old counts weigh less and less.
class alike_counts {
public:
  /// `each` is what is thought of every one before anything was counted.
  alike_counts(std::size_t many, double each);

  void grow(std::size_t many);
  void add(std::size_t which, double amount);
  void divide(double by);  ///< Changes the unit.

  /// The count to expect, with `unit` for one: its own, drawn towards the mean. Positive.
  double expect(std::size_t which, double unit) const;
  double sum() const { return sum_; }
  void save(state_writer& to, double unit) const;
  void restore(state_reader& from);  ///< As many as there are, with 1 for the unit.
  std::size_t size() const { return counts_.size(); }
  /// What was counted, and not less than nothing.
  double at(std::size_t which) const { return counts_[which] > 0 ? counts_[which] : 0.0; }

private:
  std::vector<double> counts_;
  double sum_ = 0;
  double squares_ = 0;
};

}  // namespace greenroom::runtime
