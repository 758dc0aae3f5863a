// How well a sequence model foresees the next step of cases that it has not seen.
#pragma once

#include "runtime/prediction/sequence_model.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace greenroom::runtime {

struct logged_step {
  double at_s = 0;
  specialist_index who = 0;
};
using logged_case = std::vector<logged_step>;  ///< In the order of the log.

/// Shares of the targets that were among the first 1, 2, 3 guesses.
struct accuracy {
  double top1 = 0;
  double top2 = 0;
  double top3 = 0;
  /// Prefixes of 2 steps or more, the end of the case not a target. A guess that the case ends is
  /// still a guess, and a miss: this is how the first-order Markov model has .695 on the help desk.
  double top1_prefix2_noend = 0;
  /// The same targets, when a model is told that the case goes on: the best guess but the end.
  double top1_prefix2_told = 0;
  std::uint64_t targets = 0;
};

struct evaluation {
  accuracy blended;  ///< The node's own sequence model.
  /// Plain models: the longest known suffix of up to so many steps, then shorter ones. 0: what is
  /// common; 1: first-order Markov.
  static constexpr std::size_t orders = 7;
  std::array<accuracy, orders> by_order;
  const accuracy& back_off() const { return by_order.back(); }
  const accuracy& markov() const { return by_order[1]; }
  std::size_t cases_train = 0;
  std::size_t cases_test = 0;
};

/// The protocol of Tax et al., "Predictive business process monitoring with LSTM neural networks"
/// (CAiSE 2017): the first 2/3 of the cases train, the rest test; every prefix of 1 step or more
/// of a test case is a question, the step after it (at last the end of the case) the answer. The
/// training cases are learnt once, their steps in the order of time as a node sees them. Nothing
/// is learnt from the test cases. Where the test cases are not later than the training cases, as on
/// the help desk, the contexts "this month" … "this hour" thus know days whose other cases were
/// learnt whole. Learning only what came before each question costs them 1 to 2 % there.
evaluation evaluate_log(std::span<const logged_case> cases, const sequence_settings& settings = {});

}  // namespace greenroom::runtime
