// Statistics of the steps of workflows: learned online, for all workflows together.
#pragma once

#include "runtime/state_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace greenroom::runtime {

/// Probabilities of what follows a step; `ends + goes_on` is 1.
struct step_chances {
  double ends = 0;     ///< No further call of the instance.
  double goes_on = 1;  ///< A further call follows at some time.
  double late = 0;     ///< The call is the step that was just skipped.
  double regular = 1;  ///< The next step; × `missing` per skipped step.
};

/// A histogram of the time between the calls of an instance, over half powers of two, and the
/// shares of skipped and late steps. Weights are expected numbers of calls.
class step_habits {
public:
  step_habits();

  /// A call `gap_s` after the previous one of the instance; `passed_over` steps were skipped.
  void follow(double gap_s, std::size_t passed_over, double weight);
  void late(double gap_s, double weight);           ///< A step after its successor.
  void lost(double weight);                         ///< A skipped step did not come next.
  void broke_off(std::size_t left, double weight);  ///< An instance ended `left` steps early.

  double missing() const { return passed_over_ / (regular_ + passed_over_); }
  /// After a step with `left` further steps; `owed`: the step before it was skipped just now.
  step_chances chances(std::size_t left, bool owed) const;

  double density(double age_s) const;   ///< Of the time between calls, per second.
  double survival(double age_s) const;  ///< Share of longer times between calls.
  double given_up_s() const { return given_up_s_; }

  void save(state_writer& to) const;
  void restore(state_reader& from);  ///< Errors are reported by the reader.

private:
  static constexpr std::size_t gap_classes = 48;  ///< From 1/64 s.

  static std::size_t gap_class(double gap_s);
  static double gap_from(std::size_t which);
  void learn_gap(double gap_s, double weight);
  void sum_gaps();

  double regular_ = 20;
  double passed_over_ = 1;
  double late_ = 1;
  double lost_ = 1;
  std::array<double, gap_classes> gaps_{};
  double gaps_sum_ = 0;
  std::array<double, gap_classes + 1> longer_{};  ///< Share of gaps in the class or a longer one.
  double given_up_s_ = 0;                         ///< An instance silent for longer is over.
};

}  // namespace greenroom::runtime
