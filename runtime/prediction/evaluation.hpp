// Measures how well a sequence model predicts the next step of unseen cases.
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
using logged_case = std::vector<logged_step>;  ///< In log order.

/// Shares of the targets among the first 1, 2, 3 guesses.
struct accuracy {
  double top1 = 0;
  double top2 = 0;
  double top3 = 0;
  /// Prefixes of 2 or more steps; the end of the case is not a target. A guess that the case ends
  /// is still a guess, and a miss: with this rule the first-order Markov model reaches .695 on the
  /// help desk log.
  double top1_prefix2_noend = 0;
  /// The same targets, given that the case goes on: the best guess other than the end.
  double top1_prefix2_told = 0;
  std::uint64_t targets = 0;
};

struct evaluation {
  accuracy blended;  ///< The node's own sequence model.
  /// Plain models: the longest known suffix of up to that many steps, then shorter ones. 0: overall
  /// frequency; 1: first-order Markov.
  static constexpr std::size_t order_count = 7;
  std::array<accuracy, order_count> by_order;
  const accuracy& back_off() const { return by_order.back(); }
  const accuracy& markov() const { return by_order[1]; }
  std::size_t cases_train = 0;
  std::size_t cases_test = 0;
};

/// The protocol of Tax et al., "Predictive business process monitoring with LSTM neural networks"
/// (CAiSE 2017): the first 2/3 of the cases train, the rest test; every prefix of 1 or more steps
/// of a test case is a question, the step after it (finally the end of the case) the answer. The
/// training cases are learned once, their steps in time order, as on a node. Test cases are not
/// learned. Where test cases are not later than training cases, as on the help desk log, the
/// contexts "this month" … "this hour" thus contain days whose other cases were learned completely.
/// Learning only the steps before each question lowers the results there by 1 to 2 %.
evaluation evaluate_log(std::span<const logged_case> cases, const sequence_settings& settings = {});

}  // namespace greenroom::runtime
