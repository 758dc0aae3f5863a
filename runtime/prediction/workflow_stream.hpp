// Generates a stream of tasks in which workflows of many users interleave, with noise and the
// ground truth, and measures a detector on it.
#pragma once

#include "runtime/prediction/workflow_detector.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace greenroom::runtime {

/// Each of `users` runs random workflows one after another, with an exponential time between steps
/// (mean `step_s`) and between workflows (mean `pause_s`).
///
/// `noise` n disturbs the stream in two ways. Each step is disturbed with probability n, in one of
/// three ways with equal probability: *inserted*: the same user makes a foreign call before it;
/// *dropped*: it does not happen; *swapped*: it is exchanged with the next step (the last step with
/// the one before). In addition, for each step of an instance the same user makes a stray call in
/// the pause after the instance with probability n. Foreign and stray calls go to a uniformly
/// random specialist of the cast, including those of the workflows.
struct stream_settings {
  std::vector<workflow_steps> workflows;
  std::size_t cast = 83;
  std::size_t users = 20;
  std::size_t instances = 4000;  ///< Of workflows, over all users.
  double noise = 0.1;
  double step_s = 20;
  double pause_s = 120;
  bool with_cases = true;  ///< A user's calls carry the user's session as case.
  std::size_t instances_a_session = 3;
  std::uint64_t seed = 1;
};

struct stream_call {
  static constexpr std::size_t foreign = static_cast<std::size_t>(-1);
  double at_s = 0;
  specialist_index who = 0;
  std::uint64_t case_key = 0;
  std::size_t instance = foreign;  ///< The instance of which it is a step.
  bool last_step = false;          ///< The last step of its workflow.
};

struct workflow_stream {
  std::vector<stream_call> calls;        ///< In time order.
  std::vector<std::size_t> workflow_of;  ///< By instance.
};

workflow_stream generate_stream(const stream_settings& settings);

/// Twelve workflows over a cast of 83 for studies and tests: three to five steps each, some
/// specialists in several workflows, two workflows with the same beginning.
std::vector<workflow_steps> sample_workflows();

/// An instance is detected when the detector reports its workflow at one of the instance's calls
/// before the last configured step (at any of its calls when noise dropped that step). Recall:
/// detected ÷ instances; `unseeable` counts the instances with fewer than two calls left by noise,
/// which are excluded. Precision: reports that detected an instance in time ÷ all reports; a second
/// report of an instance, a report at a call of another workflow and a report at a foreign call are
/// wrong. A detector never reports at the last step, because there is nothing left to prewarm.
struct detection_quality {
  double noise = 0;
  double precision = 0;
  double recall = 0;
  double steps_ahead = 0;  ///< Mean number of remaining steps at a right report.
  std::size_t instances = 0;
  std::size_t reports = 0;
  std::size_t unseeable = 0;
};

/// Runs a new detector over the stream. The first `skip` of the instances are for learning only.
detection_quality measure_detection(const stream_settings& stream,
                                    const detector_settings& detector = {}, double skip = 0.1);

}  // namespace greenroom::runtime
