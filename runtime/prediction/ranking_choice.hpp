// Which of several rankings of the next step is believed.
#pragma once

#include "runtime/state_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace greenroom::runtime {

/// The three best candidates of one ranker, as places in the list of candidates.
struct short_list {
  std::array<std::uint8_t, 3> best{};
  std::uint8_t size = 0;
  bool ends = false;    ///< The best guess is that the case ends.
  float runner_up = 0;  ///< Estimate of the second divided by that of the first.
};

/// Follows the ranker that was right most often on what was learnt so far, each question asked
/// before its answer was learnt. A blend that is best by log loss is not best by first guesses on
/// every log: with little data, with noise or with nothing but a last step to look at, a plain
/// back-off model is ahead of it. Following the leader costs at most what the leader's record
/// errs by.
///
/// The first guess is judged twice: over all steps, and after two steps or more with the end of
/// the case not counted, where a guess of the end is a miss. The two pull apart, so for each
/// ranker several degrees of reluctance to guess the end are on record. The chosen one loses
/// little to the best plain ranker in both. The second and third guess are chosen by the hits
/// among two and three.
///
/// Records fade as a polynomial (weight of step t of n about (t / n)²; Shamir and Zhang,
/// "Stochastic gradient descent for non-smooth optimization", 2013), because the rankers learn
/// while they are judged, and not slower than over 8,192 steps.
class ranking_choice {
public:
  static constexpr std::size_t rankers = 10;
  /// The rankers from here on are plain: one suffix of the case and shorter ones, by counts.
  static constexpr std::size_t first_plain = 4;
  static constexpr std::size_t reluctances = 8;

  /// What is believed: a ranker with its reluctance for the first guess, a ranker for the second
  /// and one for the third.
  struct choice {
    std::uint8_t first = 0;
    std::uint8_t first_reluctance = 0;
    std::uint8_t second = 0;
    std::uint8_t third = 0;
  };

  /// Of all rankers, or of all but the first one.
  const choice& chosen(bool all) const { return chosen_[all ? 0 : 1]; }
  /// @pre the list is not empty. The place of the first guess.
  static std::uint8_t first_guess(const short_list& list, std::size_t reluctance,
                                  bool after_two_steps);

  /// The right answer stood at place `right` (beyond every place: it was no candidate).
  void learn(std::span<const short_list, rankers> lists, std::size_t right, bool right_is_end,
             bool after_two_steps);

  void save(state_writer& to) const;
  void restore(state_reader& from);

private:
  void choose();

  using first_record = std::array<float, reluctances>;
  std::array<first_record, rankers> all_{};    ///< First guesses that were right.
  std::array<first_record, rankers> inner_{};  ///< The same after two steps, without the end.
  std::array<float, rankers> among_two_{};
  std::array<float, rankers> among_three_{};
  std::uint64_t steps_ = 0;
  std::uint64_t inner_steps_ = 0;
  std::array<choice, 2> chosen_{{{0, 0, 0, 0}, {1, 0, 1, 1}}};
};

}  // namespace greenroom::runtime
