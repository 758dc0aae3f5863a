// Detects configured workflows in the stream of tasks while they run.
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

/// The specialists of a workflow in call order; two or more.
using workflow_steps = std::vector<specialist_index>;

struct detector_settings {
  /// The cost of a wrong report in right reports, for a stream of workflows only. The cost falls
  /// with the square of the workflows' share of the calls, since fewer reports are possible there.
  double wrong_report_costs = 2.1;
  /// A report may be postponed after the first call: each later step but the last, unless missing,
  /// makes up for the delay with this probability.
  double recognised = 0.84;
  std::size_t cases_max = 4096;       ///< Cases tracked at once (with case keys).
  std::size_t per_case_max = 8;       ///< Joint hypotheses of a workflow in one case.
  std::size_t without_case_max = 64;  ///< The same for calls without a case.
  double memory_events = 4000;        ///< Rates are averaged over about this many calls.
};

/// An instance of a workflow that is probably under way.
struct workflow_progress {
  std::size_t workflow = 0;
  std::uint64_t case_key = 0;
  std::size_t next = 0;    ///< Position of the next expected step; all steps before it are done.
  double probability = 0;  ///< Probability that it exists in this state.
  double last_s = 0;       ///< Time of its latest step.
};

/// A call that is expected because of a workflow under way.
struct workflow_expectation {
  specialist_index who = 0;
  double probability = 0;  ///< Of the call within the given horizon.
  std::size_t workflow = 0;
};

/// Competing intensities (calls per second) explain a call: calls outside any workflow, new
/// workflows, and instances under way, by the time between steps. Assigning calls to instances is
/// data association: for each workflow `joint_instances` keeps hypotheses about all its instances
/// at once. When a specialist is in several workflows, each workflow claims the call against the
/// expected intensity of the others, and when later calls support one claim, the other workflows
/// are updated: belief propagation between workflows (Williams and Lau, "Approximate evaluation of
/// marginal association probabilities with belief propagation", 2014). A step may be missing, or
/// come after its successor. All rates, the density of times between steps and the shares of
/// missing and late steps are learned online; that a call began a workflow is learned when the
/// instance is over and all evidence is available.
///
/// A workflow is reported when a report now is worth more than waiting for the next step: expected
/// right reports less the cost of wrong ones.
///
/// With a case key only instances of the same case compete; without one, all instances without a
/// case. Work per call is bounded by the hypotheses of the specialist's workflows.
class workflow_detector {
public:
  workflow_detector(std::vector<workflow_steps> workflows, std::size_t cast,
                    const detector_settings& settings = {});

  // The object holds iterators into its own containers: a move keeps them valid, a copy would not.
  workflow_detector(workflow_detector&&) = default;
  workflow_detector& operator=(workflow_detector&&) = default;
  workflow_detector(const workflow_detector&) = delete;
  workflow_detector& operator=(const workflow_detector&) = delete;

  /// A call arrived. Returns the workflows to report (each instance once), most probable first;
  /// valid until the next call. `case_key` 0: no case.
  std::span<const workflow_progress> observe(specialist_index who, std::uint64_t case_key,
                                             double now_s);

  /// Writes calls expected within `horizon_s`, instances with the latest calls first; looks ahead
  /// as many steps as the horizon probably covers (at most 4), at most `out.size()`.
  std::size_t expected(double now_s, double horizon_s, std::span<workflow_expectation> out) const;

  /// Writes the next step of each workflow under way in this case (0: calls without a case), with
  /// the probability that it is the next call.
  std::size_t next_steps(std::uint64_t case_key, double now_s,
                         std::span<workflow_expectation> out) const;

  const std::vector<workflow_steps>& workflows() const { return workflows_; }
  std::size_t hypotheses() const;
  void grow(std::size_t cast);

  void save(state_writer& to) const;  ///< Without instances under way.
  /// A problem when the text is damaged or for other workflows; the detector is then unchanged.
  base::expected<void> restore(state_reader& from);

private:
  /// A workflow that may have made a call.
  struct claimant {
    std::uint32_t workflow = 0;
    double others = 0;     ///< Intensity of all other sources, as last applied.
    double mine = 0;       ///< Own intensity, given the later calls.
    bool settled = false;  ///< The instance is over; the claim is final.
  };
  /// A call that several workflows claim.
  struct shared_call {
    double foreign = 0;
    std::vector<claimant> by;
  };
  struct book {
    std::vector<joint_instances> open;
    std::vector<shared_call> shared;  ///< A ring; the index is the bit of the call's mark.
    std::size_t shared_next = 0;
    double last_call_s = 0;
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
  /// Moves the workflow's instances to the time of the call.
  void bring_to(book& mine, std::uint32_t workflow, double now_s);
  /// Notes a call that several workflows claim. Returns the call's mark; 0: at most one claims it.
  std::uint64_t share_call(book& mine, specialist_index who, std::uint64_t case_key, double foreign,
                           double sum);
  static workflow_progress report_of(const joint_instances& of, std::uint64_t case_key,
                                     double now_s);
  void recount(joint_instances& of);
  void claim_more(std::uint32_t workflow, const instance_state& one);
  double worth_reporting(const joint_instances& of) const;
  void age_rates(double now_s);
  double live_share(double now_s);

  std::vector<workflow_steps> workflows_;
  detector_settings settings_;
  std::vector<std::vector<membership>> where_;  ///< By specialist.
  std::unordered_map<std::uint64_t, book> books_;
  std::list<std::uint64_t> latest_;  ///< Case keys, most recent first.
  std::vector<workflow_progress> reports_;
  joint_instances::closed over_;  ///< A member only to reuse its memory, like `expected_of_`.
  std::vector<double> expected_of_;

  // Decayed sums: one call now weighs `unit_`, which grows so that the sums need not shrink.
  alike_counts foreign_{0, 0};  ///< By specialist: calls outside workflows.
  alike_counts begun_{0, 0};    ///< By workflow: completed instances.
  double seconds_ = 0;
  double calls_ = 0;
  double unit_ = 1;
  step_habits habits_;
  double last_s_ = 0;
  bool started_ = false;
  double cases_live_ = 1;
};

}  // namespace greenroom::runtime
