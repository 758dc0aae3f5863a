// Chooses among several rankings of the next step.
#pragma once

#include "runtime/state_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace greenroom::runtime {

/// The three best candidates of one ranker, as positions in the list of candidates.
struct short_list {
  std::array<std::uint8_t, 3> best{};
  std::uint8_t size = 0;
  bool ends = false;    ///< The best guess is that the case ends.
  float runner_up = 0;  ///< Estimate of the second ÷ estimate of the first.
};

/// Follows the ranker with the most hits so far, each question asked before its answer was learned.
/// The blend that is best by log loss is not the best by first guesses on every log: with little
/// data, with noise or with only a last step to use, a plain back-off model is better. Following
/// the leader costs at most the error of the leader's record.
///
/// The first guess is scored twice: over all steps, and after two or more steps without the end of
/// the case as a target, where a guess of the end is a miss. The two scores conflict, so each
/// ranker has a record for several degrees of reluctance to guess the end. The chosen combination
/// loses little to the best plain ranker in both scores. The second and third guess are chosen by
/// the hits among the first two and three.
///
/// Records fade as a polynomial (weight of step t of n about (t / n)²; Shamir and Zhang,
/// "Stochastic gradient descent for non-smooth optimization", 2013), because the rankers learn
/// while they are scored, but not slower than over 8,192 steps.
class ranking_choice {
public:
  static constexpr std::size_t ranker_count = 10;
  /// From this index on the rankers are plain: counts of one suffix, then of shorter ones.
  static constexpr std::size_t first_plain = 4;
  static constexpr std::size_t reluctance_count = 8;

  /// The chosen ranker and reluctance for the first guess, and the rankers for the second and third
  /// guess.
  struct choice {
    std::uint8_t first = 0;
    std::uint8_t first_reluctance = 0;
    std::uint8_t second = 0;
    std::uint8_t third = 0;
  };

  /// The choice among all rankers, or among all but ranker 0.
  const choice& chosen(bool all) const { return chosen_[all ? 0 : 1]; }
  /// @pre The list is not empty. Returns the position of the first guess.
  static std::uint8_t first_guess(const short_list& list, std::size_t reluctance,
                                  bool after_two_steps);

  /// The right answer has position `right` (beyond the end: it was not a candidate).
  void learn(std::span<const short_list, ranker_count> lists, std::size_t right, bool right_is_end,
             bool after_two_steps);

  void save(state_writer& to) const;
  void restore(state_reader& from);

private:
  void choose();

  using first_record = std::array<float, reluctance_count>;
  std::array<first_record, ranker_count> all_{};    ///< Hit rates of the first guess.
  std::array<first_record, ranker_count> inner_{};  ///< After two steps, without the end.
  std::array<float, ranker_count> among_two_{};
  std::array<float, ranker_count> among_three_{};
  std::uint64_t steps_ = 0;
  std::uint64_t inner_steps_ = 0;
  std::array<choice, 2> chosen_{{{0, 0, 0, 0}, {1, 0, 1, 1}}};
};

}  // namespace greenroom::runtime
