// The models that the predictor mixes. Each model is registered here and nowhere else.
#pragma once

#include "runtime/prediction/collaboration.hpp"
#include "runtime/prediction/hour_profile.hpp"
#include "runtime/prediction/sequence_model.hpp"
#include "runtime/prediction/transition_matrix.hpp"
#include "runtime/prediction/workflow_detector.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace greenroom::runtime {

enum class source : std::uint8_t { sequence, transition, hour, collaboration, workflow };

/// One registered source: how to add one is in the README of this folder.
struct source_entry {
  source which;
  const char* name;       ///< For people; `greenroom predict` shows it.
  float weight_at_start;  ///< Logarithm of the weight before anything is learnt.
};
/// Every source, in the order of the enumeration. A source's place is in saved state. The hour says
/// which specialist is usual, not which is next; the sequence model remembers most.
inline constexpr std::array source_table{
    source_entry{source::sequence, "sequence", 1.5F},
    source_entry{source::transition, "transition", 0.5F},
    source_entry{source::hour, "hour", -1.0F},
    source_entry{source::collaboration, "collaboration", -0.5F},
    source_entry{source::workflow, "workflow", 1.0F},
};
constexpr std::size_t source_count = source_table.size();
constexpr std::size_t place_of(source which) { return static_cast<std::size_t>(which); }
static_assert(
    [] {
      for (std::size_t i = 0; i < source_count; ++i)
        if (place_of(source_table[i].which) != i) return false;
      return true;
    }(),
    "the table has the order of the enumeration");
constexpr const char* source_name(source which) { return source_table[place_of(which)].name; }

/// Learns from each call, and proposes the next one.
class call_models {
public:
  call_models(std::size_t cast, std::vector<workflow_steps> workflows,
              const sequence_settings& sequence, const detector_settings& detector, double decay);

  void grow(std::size_t cast);
  /// Replaces the workflows; what was learnt of workflows is reset.
  void follow(std::vector<workflow_steps> workflows, std::size_t cast);

  /// A call for `who` in the case at `at`, which does not contain the call yet. Returns workflows
  /// that the call made the detector report.
  std::span<const workflow_progress> observe(const sequence_position& at, specialist_index who,
                                             std::uint64_t case_key, double now_s);
  /// The case at `at` is over.
  void end_case(const sequence_position& at) { sequence_.learn(at, end_of_case); }

  /// Calls `give(who, source, probability, workflow)` for each call that a model expects next;
  /// `workflow` is null unless a workflow expects the call. Workflows come first.
  template <class Give>
  void propose(const sequence_position& at, std::uint64_t case_key, double now_s, Give give) const {
    const specialist_index last = at.back(0);
    std::array<workflow_expectation, 6> steps;
    const std::size_t waiting = detector_.next_steps(case_key, now_s, steps);
    for (std::size_t i = 0; i < waiting; ++i)
      give(steps[i].who, source::workflow, steps[i].probability, &steps[i].workflow);
    constexpr decltype(&steps[0].workflow) none = nullptr;
    std::array<next_step, 8> next;
    const std::size_t ranked = sequence_.rank(at, next);
    for (std::size_t i = 0; i < ranked; ++i)
      give(next[i].who, source::sequence, static_cast<double>(next[i].probability), none);
    for (const specialist_index who : transitions_.successors(last)) {
      const double share = transitions_.share(last, who);
      if (share > 0.03) give(who, source::transition, share, none);
    }
    for (const specialist_index who : collaboration_.partners(last)) {
      const double share = collaboration_.share(last, who);
      if (share > 0.05) give(who, source::collaboration, share, none);
    }
    for (const specialist_index who : hours_.usual(now_s)) {
      const double share = hours_.usual_share(who, now_s);
      if (share > 0.05) give(who, source::hour, share, none);
    }
  }

  /// Saves and restores what each model learnt, in the order of the members.
  void save(state_writer& to) const;
  /// Problems are in `from` afterwards.
  void restore(state_reader& from);

  [[nodiscard]] const transition_matrix& transitions() const { return transitions_; }
  [[nodiscard]] const hour_profile& hours() const { return hours_; }
  [[nodiscard]] const workflow_detector& workflows() const { return detector_; }

private:
  detector_settings detector_settings_;
  sequence_model sequence_;
  transition_matrix transitions_;
  hour_profile hours_;
  collaboration collaboration_;
  workflow_detector detector_;
};

}  // namespace greenroom::runtime
