// Which instances of one workflow are under way: hypotheses about all of them at once.
#pragma once

#include "runtime/prediction/step_habits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace greenroom::runtime {

/// One instance as it may stand.
struct instance_standing {
  double last_s = 0;         ///< When its latest call came.
  std::uint64_t seen = 0;    ///< Bit b: step `next - 1 - b` was seen. Never 0.
  std::uint32_t next = 0;    ///< The step after the furthest one seen.
  bool reported = false;     ///< One of its calls made the workflow known.
  std::uint64_t shared = 0;  ///< Which of the calls that others claim too are taken to be its own.
  double mass = 0;           ///< Probability that this instance exists and stands here.
  double waiting = 1;        ///< Probability of the silence up to `now_s` of the last `bring_to`.
  double counted = 0;        ///< Mass that the owner was told of by `recount`.
  step_chances chance;       ///< Of what comes next.

  std::size_t matched() const;
  /// Probability that a further call comes, when none came within `age_s`; `survival` is that of
  /// the time between calls.
  double alive(double survival) const {
    return chance.goes_on * survival / (chance.ends + chance.goes_on * survival);
  }
};

/// Multiple hypothesis tracking (Reid, "An algorithm for tracking multiple targets", 1979) for the
/// instances of one workflow: each hypothesis is a set of instances that explains some of the
/// calls, the rest it leaves to others. Silence counts: an instance that should have gone on and
/// did not makes its hypotheses less probable. Instances are shared between hypotheses, which
/// are sets of bits, so that a call costs little; at most 64 instances.
class joint_instances {
public:
  static constexpr std::size_t instances_max = 64;

  explicit joint_instances(std::uint32_t workflow = 0, std::size_t length = 0)
      : workflow_(workflow), length_(length) {}

  /// Told of each instance that is over, with the probability that it was one.
  using closed = std::vector<instance_standing>;

  /// Lets the time pass.
  void bring_to(double now_s, const step_habits& habits);
  /// Closes what `bring_to` found silent for too long.
  void close_silent(closed& over);

  /// Calls per second of the specialist at `places` that are expected from this workflow at the
  /// time of the last `bring_to`; `begins` is the intensity with which instances begin.
  double expect(std::span<const std::uint32_t> places, double begins, const step_habits& habits);

  /// The call that `expect` was asked about came; `others` is the intensity with which anything
  /// else makes it. Keeps the `most` best hypotheses. `shared` marks what claims it: a bit, or 0
  /// when nobody will ask.
  void observe(double others, std::size_t most, std::uint64_t shared, step_habits& habits,
               closed& over);

  /// Probability that the call with this mark belongs here.
  double claims(std::uint64_t shared) const;
  /// What others made of the call with this mark changed: that it does not belong here is now
  /// `ratio` times as likely as it was.
  void reconsider(std::uint64_t shared, double ratio);
  void unmark(std::uint64_t shared);

  /// Where the latest call may have brought an instance: valid until the next `bring_to`.
  std::uint64_t fresh() const { return fresh_; }
  void report_fresh();

  std::uint32_t workflow() const { return workflow_; }
  std::size_t length() const { return length_; }
  std::uint64_t used() const { return used_; }  ///< Bit i: `instances()[i]` is meant.
  const std::vector<instance_standing>& instances() const { return instances_; }
  std::vector<instance_standing>& instances() { return instances_; }
  std::size_t hypotheses() const { return joint_.size(); }
  bool empty() const { return used_ == 0; }

private:
  struct hypothesis {
    std::uint64_t members = 0;
    double weight = 1;
  };
  struct claim {
    std::uint32_t from = 0;  ///< `begins`, or the instance that goes on.
    std::uint32_t to = 0;
    double intensity = 0;
    std::uint32_t passed_over = 0;
    bool late = false;
    bool was_owed = false;
    instance_standing stands;
  };
  static constexpr std::uint32_t begins = 0xFFFFFFFFU;

  void close(std::uint64_t which, closed& over);
  std::uint64_t claimants(std::uint64_t shared) const;
  void merge();
  void weigh();
  std::uint32_t place_for(const instance_standing& fresh, closed& over);

  std::uint32_t workflow_;
  std::size_t length_;
  std::vector<instance_standing> instances_;
  std::uint64_t used_ = 0;
  std::uint64_t fresh_ = 0;
  std::uint64_t silent_ = 0;
  std::vector<hypothesis> joint_{1};
  std::vector<claim> claims_;  ///< Kept from `expect` to `observe`.
  std::vector<double> taken_;  ///< By claim; kept for its memory alone.
  double now_s_ = 0;
};

}  // namespace greenroom::runtime
