// A stream of tasks in which workflows of many users interleave, with noise, and the truth beside
// it; and how well a detector does on it.
#pragma once

#include "runtime/prediction/workflow_detector.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace greenroom::runtime {

/// Each of `users` runs workflows one after another, chosen at random, with an exponential time
/// between steps (mean `step_s`) and between workflows (mean `pause_s`).
///
/// `noise` n disturbs the stream in two ways. Each step is disturbed with probability n, in one of
/// three ways with equal chances: *inserted*: the same user makes a foreign call before it;
/// *dropped*: it does not happen; *swapped*: it changes places with the step after it (the last one
/// with the one before). Besides, for each step of an instance the same user makes a stray call in
/// the pause after it with probability n. Foreign and stray calls go to any specialist of the cast
/// with equal chances, those of the workflows too.
struct stream_settings {
  std::vector<workflow_steps> workflows;
  std::size_t cast = 83;
  std::size_t users = 20;
  std::size_t instances = 4000;  ///< Of workflows, over all users.
  double noise = 0.1;
  double step_s = 20;
  double pause_s = 120;
  bool with_cases = true;  ///< Each user's calls carry the user's session as their case.
  std::size_t instances_a_session = 3;
  std::uint64_t seed = 1;
};

struct stream_call {
  static constexpr std::size_t foreign = static_cast<std::size_t>(-1);
  double at_s = 0;
  specialist_index who = 0;
  std::uint64_t case_key = 0;
  std::size_t instance = foreign;  ///< The truth: which instance it is a step of.
  bool last_step = false;          ///< It is the last step of its workflow.
};

struct workflow_stream {
  std::vector<stream_call> calls;        ///< In the order of time.
  std::vector<std::size_t> workflow_of;  ///< By instance.
};

workflow_stream generate_stream(const stream_settings& settings);

/// Twelve workflows over a cast of 83 for studies and tests: three to five steps each, some
/// specialists in several of them, two that begin alike.
std::vector<workflow_steps> sample_workflows();

/// An instance is detected when the detector reports its workflow, at one of the instance's own
/// calls, before its last step (the last one configured; when noise dropped that, at any of its
/// calls). Recall: detected ÷ instances; an instance of which noise left fewer than two calls is
/// not counted, `unseeable` says how many. Precision: reports that detected an instance in time ÷
/// all reports; a second report of the same instance, a report at a call of another workflow and
/// one at a foreign call are all wrong ones. A detector never reports at the last step, for then
/// nothing is left to warm.
struct detection_quality {
  double noise = 0;
  double precision = 0;
  double recall = 0;
  double steps_ahead = 0;  ///< Mean number of steps still to come at a right report.
  std::size_t instances = 0;
  std::size_t reports = 0;
  std::size_t unseeable = 0;
};

/// Runs a fresh detector over the stream. The first `skip` of the instances only teach it.
detection_quality measure_detection(const stream_settings& stream,
                                    const detector_settings& detector = {}, double skip = 0.1);

}  // namespace greenroom::runtime
