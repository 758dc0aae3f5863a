// Tracks the instances of one workflow under way: joint hypotheses about all of them.
#pragma once

#include "runtime/prediction/step_habits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace greenroom::runtime {

/// A possible state of one instance.
struct instance_state {
  double last_s = 0;         ///< Time of its latest call.
  std::uint64_t seen = 0;    ///< Bit b: step `next - 1 - b` was seen. Never 0.
  std::uint32_t next = 0;    ///< The step after the last one seen.
  bool reported = false;     ///< One of its calls led to a report.
  std::uint64_t shared = 0;  ///< Marks of the shared calls that are assigned to it.
  double mass = 0;           ///< Probability that it exists in this state.
  double waiting = 1;        ///< Probability of its silence until the last `bring_to`.
  double counted = 0;        ///< Mass already passed on by `recount`.
  step_chances chance;       ///< Of the next call.

  std::size_t matched() const;
  /// Probability of a further call after a silence of `age_s`; `survival` is the share of times
  /// between calls that are longer.
  double alive(double survival) const {
    return chance.goes_on * survival / (chance.ends + chance.goes_on * survival);
  }
};

/// Multiple hypothesis tracking (Reid, "An algorithm for tracking multiple targets", 1979) for the
/// instances of one workflow: each hypothesis is a set of instances that explains some of the
/// calls; other sources explain the rest. Silence is evidence: an overdue instance makes its
/// hypotheses less probable. Hypotheses share instances and are bit sets, so that a call costs
/// little; at most 64 instances.
class joint_instances {
public:
  static constexpr std::size_t instances_max = 64;

  explicit joint_instances(std::uint32_t workflow = 0, std::size_t length = 0)
      : workflow_(workflow), length_(length) {}

  /// Instances that are over, each with its probability.
  using closed = std::vector<instance_state>;

  /// Updates the probabilities for the time since the last call.
  void bring_to(double now_s, const step_habits& habits);
  /// Closes the instances that `bring_to` found silent for too long.
  void close_silent(closed& over);

  /// Expected calls per second from this workflow, for the specialist at `places`, at the time of
  /// the last `bring_to`; `begins` is the intensity of new instances.
  double expect(std::span<const std::uint32_t> places, double begins, const step_habits& habits);

  /// The call of the last `expect` arrived; `others` is the intensity of all other sources of the
  /// call. Keeps the `most` best hypotheses. `shared` marks the instances that claim the call: one
  /// bit, or 0 when no other workflow claims it.
  void observe(double others, std::size_t most, std::uint64_t shared, step_habits& habits,
               closed& over);

  /// Probability that the call with this mark belongs to this workflow.
  double claims(std::uint64_t shared) const;
  /// Other workflows changed their claim on the call with this mark: that it does not belong here
  /// is now `ratio` times as likely as before.
  void reconsider(std::uint64_t shared, double ratio);
  void unmark(std::uint64_t shared);

  /// Bit set of the states that the latest call may have led to: valid until the next `bring_to`.
  std::uint64_t fresh() const { return fresh_; }
  void report_fresh();

  std::uint32_t workflow() const { return workflow_; }
  std::size_t length() const { return length_; }
  std::uint64_t used() const { return used_; }  ///< Bit i: `instances()[i]` is in use.
  const std::vector<instance_state>& instances() const { return instances_; }
  std::vector<instance_state>& instances() { return instances_; }
  std::size_t hypotheses() const { return joint_.size(); }
  bool empty() const { return used_ == 0; }

private:
  struct hypothesis {
    std::uint64_t members = 0;
    double weight = 1;
  };
  struct claim {
    std::uint32_t from = 0;  ///< `begins`, or the instance that continues.
    std::uint32_t to = 0;
    double intensity = 0;
    std::uint32_t passed_over = 0;
    bool late = false;
    bool was_owed = false;
    instance_state stands;
  };
  static constexpr std::uint32_t begins = 0xFFFFFFFFU;

  void close(std::uint64_t which, closed& over);
  std::uint64_t claimants(std::uint64_t shared) const;
  void merge();
  void weigh();
  std::uint32_t index_for(const instance_state& fresh, closed& over);
  /// Gives each claim an instance to lead to. True: two claims lead to the same state, so that
  /// hypotheses may become equal.
  bool place_claims(std::uint64_t shared, const step_habits& habits, closed& over);
  /// Extends each hypothesis by each claim. Returns the sum of the weights.
  double apply_claims(double others);
  /// Learns the gaps between steps, weighted by the claims' shares of `sum`.
  void learn_gaps(double sum, step_habits& habits);

  std::uint32_t workflow_;
  std::size_t length_;
  std::vector<instance_state> instances_;
  std::uint64_t used_ = 0;
  std::uint64_t fresh_ = 0;
  std::uint64_t silent_ = 0;
  std::vector<hypothesis> joint_{1};
  std::vector<claim> claims_;  ///< Valid from `expect` to `observe`.
  std::vector<double> taken_;  ///< By claim; a member only to reuse its memory.
  double now_s_ = 0;
};

}  // namespace greenroom::runtime
