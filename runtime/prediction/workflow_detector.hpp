// Workflows seen in the stream of tasks while they happen.
#pragma once

#include "runtime/pooling/warm_policy.hpp"
#include "runtime/prediction/alike_counts.hpp"
#include "runtime/prediction/joint_instances.hpp"
#include "runtime/prediction/step_habits.hpp"
#include "runtime/state_text.hpp"

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
  /// What a wrong report costs, counted in right ones, in a stream of workflows alone. It falls
  /// with the square of their share of the calls: the less can be had, the less is there to spoil.
  double wrong_report_costs = 2.1;
  /// After the first call alone a report may be put off: each later step but the last makes it
  /// good with this probability, unless it is missing.
  double recognised = 0.84;
  std::size_t cases_max = 4096;       ///< With case keys: so many cases are followed at once.
  std::size_t per_case_max = 8;       ///< Joint hypotheses of a workflow in one case.
  std::size_t without_case_max = 64;  ///< The same in the stream of calls without a case.
  double memory_events = 4000;        ///< Rates are averaged over about so many calls.
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

/// A call is explained by competing intensities (calls per second): calls that belong to no
/// workflow, workflows that begin, and instances under way, by the time between steps. Which
/// calls belong together is a question of data association: for each workflow `joint_instances`
/// keeps hypotheses about all its instances at once. A call of a specialist that is in several
/// workflows is claimed by each against the intensity that is expected of the others, and when
/// later calls speak for one claim, the others are told: belief propagation between workflows
/// (Williams and Lau, "Approximate evaluation of marginal association probabilities with belief
/// propagation", 2014). A step may be missing, or come after its successor. All rates, the density
/// of times between steps and the shares of missing and late steps are learnt online; that a call
/// began a workflow is learnt when that instance is over and all evidence is in.
///
/// A workflow is reported when that is worth more than to wait for the next step, in expected
/// right reports less the cost of wrong ones.
///
/// With a case key only the instances of the same case compete, without one all of those without.
/// Work per call is bounded by the hypotheses of the workflows that the specialist is in.
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
  /// A workflow that may have made a call.
  struct claimant {
    std::uint32_t workflow = 0;
    double others = 0;     ///< Intensity of everything else, as last told to it.
    double mine = 0;       ///< Its own, in the light of what came later.
    bool settled = false;  ///< What came of the call is over and will not change any more.
  };
  /// A call that more than one workflow may have made.
  struct shared_call {
    double foreign = 0;
    std::vector<claimant> by;
  };
  struct book {
    std::vector<joint_instances> open;
    std::vector<shared_call> shared;  ///< A ring; the place is the bit that marks the call.
    std::size_t shared_next = 0;
    double heard_s = 0;
    std::list<std::uint64_t>::iterator place;
  };
  struct membership {
    std::uint32_t workflow;
    std::vector<std::uint32_t> places;
  };

  book& book_of(std::uint64_t case_key);
  joint_instances& open_in(book& where, std::uint32_t workflow);
  void close_book(book& gone);
  void settle(book& where, std::uint32_t workflow);
  void spread(book& where, joint_instances& of);
  std::size_t mark_shared(book& where, std::size_t most, double foreign);
  void recount(joint_instances& of);
  void claim_more(std::uint32_t workflow, const instance_standing& one);
  double worth_reporting(const joint_instances& of) const;
  void age_rates(double now_s);
  double live_share(double now_s);

  std::vector<workflow_steps> workflows_;
  detector_settings settings_;
  std::vector<std::vector<membership>> where_;  ///< By specialist.
  std::unordered_map<std::uint64_t, book> books_;
  std::list<std::uint64_t> latest_;  ///< Case keys, the latest first.
  std::vector<workflow_progress> made_known_;
  joint_instances::closed over_;  ///< Kept for its memory alone, as is the next.
  std::vector<double> expected_of_;

  // Decayed sums: one unit of weight is one call now; `unit_` grows instead of all sums shrinking.
  alike_counts foreign_{0,
                        0};   ///< By specialist: calls, less what workflows probably claim of them.
  alike_counts begun_{0, 0};  ///< By workflow: instances that are over.
  double seconds_ = 0;
  double calls_ = 0;
  double unit_ = 1;
  step_habits habits_;
  double last_s_ = 0;
  bool started_ = false;
  double cases_live_ = 1;
};

}  // namespace greenroom::runtime
