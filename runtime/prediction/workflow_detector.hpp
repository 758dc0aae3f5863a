// Workflows seen in the stream of tasks while they happen.
#pragma once

#include "runtime/pooling/warm_policy.hpp"
#include "runtime/state_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

namespace greenroom::runtime {

/// The specialists of a workflow in the order in which they are called; two or more.
using workflow_steps = std::vector<specialist_index>;

struct detector_settings {
  double report_at = 0.58;        ///< Probability from which a workflow counts as detected.
  double report_first_at = 0.94;  ///< The same when only its first call was seen yet.
  /// A call that belongs to a reported instance with more than this share reports nothing new.
  double report_again_below = 0.2;
  std::size_t cases_max = 4096;        ///< With case keys: so many cases are followed at once.
  std::size_t per_case_max = 16;       ///< Hypotheses in one case.
  std::size_t without_case_max = 256;  ///< Hypotheses in the stream of calls without a case.
  double memory_events = 4000;         ///< Rates are averaged over about so many calls.
};

/// An instance of a workflow that seems to be under way.
struct workflow_progress {
  std::size_t workflow = 0;
  std::uint64_t case_key = 0;
  std::size_t next = 0;    ///< Position of the step that is expected now; steps before it are done.
  double probability = 0;  ///< That this instance exists and stands here.
  double last_s = 0;       ///< When its latest step came.
};

/// One call that is expected because a workflow is under way.
struct workflow_expectation {
  specialist_index who = 0;
  double probability = 0;  ///< That it comes within the horizon asked for.
  std::size_t workflow = 0;
};

/// A probability hypothesis density filter (Mahler, "Multitarget Bayes filtering via first-order
/// moments", 2003) whose targets are instances of workflows: a hypothesis is a workflow, the step
/// it waits for, the time of its last step, and the expected number of such instances. A call is
/// explained by competing intensities (calls per second): calls that belong to no workflow,
/// workflows that begin, and each hypothesis by its probability times the density of the time
/// between steps at its age. What explains the call best gets most of it. A step may be missing,
/// or come after its successor. Intensities, the density of times between steps and the share of
/// missing steps are learnt online; that a workflow began is learnt when its second step comes,
/// that a call was a foreign one when no step followed, so that a first call alone is believed as
/// much as its like deserved before. Hypotheses that go back to the same beginning are one
/// instance: when one of them goes on, the others lose what it was believed, and the calls that it
/// rests on are no longer put down as foreign.
///
/// With a case key only the hypotheses of the same case compete, without one all of those without.
/// Work per call is bounded by the hypotheses in one case, or by `without_case_max`.
class workflow_detector {
public:
  workflow_detector(std::vector<workflow_steps> workflows, std::size_t cast,
                    const detector_settings& settings = {});

  // It holds iterators into itself, which a move keeps and a copy would not.
  workflow_detector(workflow_detector&&) = default;
  workflow_detector& operator=(workflow_detector&&) = default;
  workflow_detector(const workflow_detector&) = delete;
  workflow_detector& operator=(const workflow_detector&) = delete;

  /// A call came. Returns the workflows that it makes known (each instance once), most probable
  /// first; valid until the next call. `case_key` 0: no case.
  std::span<const workflow_progress> observe(specialist_index who, std::uint64_t case_key,
                                             double now_s);

  /// Instances under way that are at least `least` probable now, at most as many as fit.
  std::size_t in_progress(double now_s, double least, std::span<workflow_progress> out) const;
  /// Calls expected within `horizon_s`, the most recently advanced instances first; looks ahead
  /// over as many steps as the horizon is likely to see (at most 4), at most `out.size()`.
  std::size_t expected(double now_s, double horizon_s, std::span<workflow_expectation> out) const;

  /// What each workflow under way in this case (0: among the calls without one) waits for, with
  /// the probability that it is the step to come.
  std::size_t next_steps(std::uint64_t case_key, double now_s,
                         std::span<workflow_expectation> out) const;

  const std::vector<workflow_steps>& workflows() const { return workflows_; }
  std::size_t hypotheses() const;
  void grow(std::size_t cast);

  void save(state_writer& to) const;  ///< What was learnt, not what is under way.
  bool restore(state_reader& from);   ///< False when damaged or for other workflows.

private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  static constexpr std::size_t gap_classes = 48;  ///< Half powers of two from 1/64 s.

  struct hypothesis {
    std::uint32_t workflow = 0;
    std::uint32_t next = 0;
    std::uint32_t owed = 0xFFFFFFFFU;  ///< A step that was passed over and may still come.
    std::uint32_t matched = 0;         ///< Calls that are explained by it.
    double mass = 0;
    double last_s = 0;
    double reported = 0;          ///< Share of the mass that was reported already.
    specialist_index latest = 0;  ///< The call that brought it here.
    double doubt = 0;             ///< The share of that call that was put down as foreign.
    std::uint64_t chain = 0;      ///< The beginning that it goes back to: one instance at most.
  };
  struct book {
    std::vector<hypothesis> open;
    double heard_s = 0;
    std::list<std::uint64_t>::iterator place;
  };
  struct claim {
    std::size_t from;  ///< Place of the hypothesis in the book; `none` for a beginning.
    std::uint32_t workflow;
    std::uint32_t next;
    std::uint32_t owed;
    double intensity;
    bool regular;
  };
  struct occurrence {
    std::uint32_t workflow;
    std::uint32_t step;
  };

  book& book_of(std::uint64_t case_key);
  void forget(hypothesis& gone);
  void admit(book& where, std::size_t most, const hypothesis& fresh);
  double density(double age_s) const;
  double survival(double age_s) const;
  void put_down_as_foreign(specialist_index who, double calls);
  void sum_gaps();
  void learn_gap(double gap_s, double weight);
  void age_rates(double now_s);
  static std::size_t gap_class(double gap_s);
  static double gap_from(std::size_t which);

  std::vector<workflow_steps> workflows_;
  detector_settings settings_;
  std::vector<std::vector<occurrence>> where_;  ///< By specialist.
  std::unordered_map<std::uint64_t, book> books_;
  std::list<std::uint64_t> latest_;  ///< Case keys, the latest first.
  std::vector<workflow_progress> made_known_;
  std::vector<claim> claims_;  ///< Of the present call; kept for its memory alone.

  // Decayed sums: one unit of weight is one call now; `unit_` grows instead of all sums shrinking.
  std::vector<double> foreign_;
  double foreign_sum_ = 0;
  std::vector<double> begun_;
  double seconds_ = 0;
  double unit_ = 1;
  double regular_ = 20;
  double passed_over_ = 1;
  std::array<double, gap_classes> gaps_;
  double gaps_sum_ = 0;
  std::array<double, gap_classes + 1> longer_{};  ///< Share of gaps in each class and beyond.
  double given_up_s_ = 0;                         ///< An instance silent for longer was given up.
  double last_s_ = 0;
  bool started_ = false;
  double cases_live_ = 1;
  std::uint64_t chains_ = 0;
};

}  // namespace greenroom::runtime
