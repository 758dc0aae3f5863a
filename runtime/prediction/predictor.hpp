// Predicts the next calls from several sources.
#pragma once

#include "protocols/base/expected.hpp"
#include "runtime/prediction/call_models.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace greenroom::runtime {

struct predictor_settings {
  sequence_settings sequence;
  detector_settings detector;
  double decay = 0.02;
  std::size_t expected_max = 64;      ///< Upper bound of the number of expectations.
  std::size_t cases_max = 4096;       ///< Cases tracked at once; the longest silent one is evicted.
  double case_idle_s = 1800;          ///< A case silent for longer is over.
  std::size_t cases_looked_at = 128;  ///< Expectations use this many of the most recent cases.
  std::size_t steps_remembered = sequence_position::remembered_max;  ///< Per case, at most.
  std::size_t window = 1000;  ///< Accuracy is measured over this many calls.
};

/// A specialist that will probably be called soon, and why.
struct expectation {
  specialist_index who = 0;
  double probability = 0;  ///< Of at least one call within `within_s`.
  double within_s = 0;
  source because = source::sequence;        ///< The largest contribution.
  std::array<float, source_count> share{};  ///< Contribution of each source; they sum to 1.
  specialist_index after = no_step;         ///< The call before it, if any.
  std::uint64_t case_key = 0;
  std::size_t workflow = static_cast<std::size_t>(-1);  ///< Its workflow, if any.
};

/// Share of recent calls whose specialist had rank 1, or rank 1 to 3.
struct hit_rates {
  double top1 = 0;
  double top3 = 0;
  std::size_t scored = 0;  ///< Calls in the window; the first call of a case is not scored.
};

/// Mixes five sources: the sequence model, transitions, the hour of the day, collaboration, and
/// workflows under way. Each source gives a distribution over the next call of a case. The weights
/// are learned online from the log probability that each source gave to the actual call (an
/// exponentially weighted mixture of sleeping experts: Freund et al., 1997), once for all calls and
/// once for each preceding specialist, so that each kind of traffic uses the source that suits it.
/// Calls without a case form one endless case.
///
/// Work: bounded for each call (no loop over the cast), and for `expected` by `cases_looked_at`.
class predictor {
public:
  predictor(std::size_t cast, std::vector<workflow_steps> workflows,
            const predictor_settings& settings = {});

  // The object holds iterators into its own containers: a move keeps them valid, a copy would not.
  predictor(predictor&&) = default;
  predictor& operator=(predictor&&) = default;
  predictor(const predictor&) = delete;
  predictor& operator=(const predictor&) = delete;

  std::size_t cast() const { return local_.size(); }
  void grow(std::size_t cast);
  /// Replaces the workflows to detect; learned workflow state is reset, all else is kept.
  void follow(std::vector<workflow_steps> workflows);
  /// The number of steps considered per case, 1 to 32, for cases that begin from now on.
  void remember_steps(std::size_t steps) { settings_.steps_remembered = steps; }

  /// A task for `who` arrived. `case_key` is a hash of its session, 0 for none. A time before the
  /// latest one counts as the latest.
  void observe(specialist_index who, std::uint64_t case_key, double now_s);

  /// The specialists expected within the horizon, most probable first; valid until the next call of
  /// a non-const member.
  std::span<const expectation> expected(double now_s, double horizon_s);

  /// Workflows that the latest call made the detector report.
  std::span<const workflow_progress> detected() const { return detected_; }
  const workflow_detector& workflows() const { return models_.workflows(); }
  hit_rates accuracy() const;
  /// The current weight of each source that ever gave a probability; they sum to 1.
  std::array<double, source_count> trust() const;
  std::size_t cases() const { return cases_.size(); }

  /// Saves the learned state, without cases and workflows under way.
  std::string save() const;
  /// After a problem the predictor is unchanged.
  base::expected<void> restore(std::string_view saved);

private:
  static constexpr std::uint32_t no_workflow = 0xFFFFFFFFU;
  struct candidate {
    specialist_index who = no_step;
    float probability = 0;
    std::array<float, source_count> given{};  ///< Probability from each source.
    std::uint32_t workflow = no_workflow;
  };
  static constexpr std::size_t candidates_max = 16;
  /// The prediction for one case after its latest step.
  struct outlook {
    std::array<candidate, candidates_max> ranked;
    std::size_t size = 0;
    std::uint8_t awake = 0;  ///< One bit for each source that gave a probability.
    std::array<float, source_count> weight{};
  };
  struct live_case {
    sequence_position at;
    outlook next;
    std::list<std::uint64_t>::iterator place;
  };
  using weights = std::array<float, source_count>;

  live_case& case_of(std::uint64_t case_key, double now_s);
  void end_case(std::unordered_map<std::uint64_t, live_case>::iterator ended);
  void foresee(const sequence_position& at, std::uint64_t case_key, double now_s,
               outlook& out) const;
  static candidate* entry_of(specialist_index who, outlook& out);
  static void mix(outlook& out);
  void add_workflows_and_hours(double now_s, double horizon_s);
  void merge_expected(double horizon_s);
  void score(const live_case& mine, specialist_index who);
  weights weights_for(specialist_index last, std::uint8_t awake) const;
  expectation explained(const candidate& one, const outlook& from) const;

  predictor_settings settings_;
  call_models models_;

  weights global_{};             ///< Logarithms of weights.
  std::uint8_t ever_awake_ = 0;  ///< One bit for each source that ever gave one.
  std::vector<weights> local_;   ///< By the preceding specialist; added to `global_`.
  std::unordered_map<std::uint64_t, live_case> cases_;
  std::list<std::uint64_t> latest_;  ///< Case keys, most recent first.
  std::vector<workflow_progress> detected_;
  std::vector<expectation> expected_;
  std::vector<std::uint8_t> window_;  ///< A ring; bit 0: rank 1, bit 1: rank 1 to 3.
  std::size_t scored_ = 0;
  std::size_t top1_ = 0;
  std::size_t top3_ = 0;
  double last_s_ = -never_s;
  // Calls of cases, and calls that were followed by another one; both fade.
  double calls_ = 8;
  double followed_ = 7;
  double waiting_ = 0;  ///< Expected number of cases with a further call.
};

}  // namespace greenroom::runtime
