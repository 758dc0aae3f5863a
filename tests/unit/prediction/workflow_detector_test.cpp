#include "runtime/prediction/workflow_detector.hpp"

#include "runtime/prediction/workflow_stream.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>

namespace greenroom::runtime {
namespace {

stream_settings stream(double noise, bool with_cases, std::size_t users, std::uint64_t seed) {
  stream_settings settings;
  settings.workflows = sample_workflows();
  settings.noise = noise;
  settings.with_cases = with_cases;
  settings.users = users;
  settings.seed = seed;
  return settings;
}

/// Teaches a detector with a stream that ends well before `from_s`.
workflow_detector taught(double noise = 0.1) {
  stream_settings settings = stream(noise, true, 20, 3);
  settings.instances = 2000;
  workflow_detector detector(settings.workflows, settings.cast);
  for (const stream_call& call : generate_stream(settings).calls) {
    detector.observe(call.who, call.case_key, call.at_s);
  }
  return detector;
}

TEST(WorkflowStream, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const workflow_stream a = generate_stream(stream(0.2, true, 10, 1));
  const workflow_stream b = generate_stream(stream(0.2, true, 10, 1));
  const workflow_stream c = generate_stream(stream(0.2, true, 10, 2));
  ASSERT_EQ(a.calls.size(), b.calls.size());
  bool same = a.calls.size() == c.calls.size();
  for (std::size_t i = 0; i < a.calls.size(); ++i) {
    EXPECT_EQ(a.calls[i].who, b.calls[i].who);
    EXPECT_EQ(a.calls[i].at_s, b.calls[i].at_s);
    same = same && a.calls[i].who == c.calls[i].who;
  }
  EXPECT_FALSE(same);
}

TEST(WorkflowStream, DisturbsAsManyStepsAsItSays) {
  stream_settings settings = stream(0.3, true, 20, 5);
  settings.instances = 20000;
  const workflow_stream made = generate_stream(settings);
  std::size_t steps = 0;
  for (const std::size_t which : made.workflow_of) steps += settings.workflows[which].size();
  std::size_t genuine = 0;
  for (const stream_call& call : made.calls) genuine += call.instance != stream_call::foreign;
  const auto all = static_cast<double>(steps);
  const auto foreign = static_cast<double>(made.calls.size() - genuine);
  EXPECT_NEAR(1 - static_cast<double>(genuine) / all, 0.10, 0.01);  // Dropped: a third of 30 %.
  EXPECT_NEAR(foreign / all, 0.10 + 0.30, 0.01);                    // Inserted, and strays.
}

TEST(WorkflowStream, WithoutNoiseIsEveryWorkflowInItsOrder) {
  const stream_settings settings = stream(0, true, 10, 7);
  const workflow_stream made = generate_stream(settings);
  std::map<std::size_t, workflow_steps> came;
  for (const stream_call& call : made.calls) came[call.instance].push_back(call.who);
  ASSERT_EQ(came.size(), made.workflow_of.size());
  for (const auto& [instance, steps] : came) {
    EXPECT_EQ(steps, settings.workflows[made.workflow_of[instance]]);
  }
}

TEST(WorkflowDetector, DetectsNinetyFivePercentAtTenPercentNoiseAndEightyFiveAtThirty) {
  // The published curve: 20 users, twelve workflows, cases known.
  const std::vector<double> noise = {0, 0.05, 0.10, 0.20, 0.30, 0.40};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const auto curve = detection_curve(stream(0, true, 20, seed), noise);
    for (const detection_quality& point : curve) {
      std::printf("with cases, seed %d: noise %.2f precision %.3f recall %.3f steps ahead %.2f\n",
                  static_cast<int>(seed), point.noise, point.precision, point.recall,
                  point.steps_ahead);
      EXPECT_GT(point.instances, 3000U);
      EXPECT_GE(point.steps_ahead, 1.5);
      if (point.noise <= 0.10) {
        EXPECT_GE(point.precision, 0.95);
        EXPECT_GE(point.recall, 0.95);
      } else if (point.noise <= 0.30) {
        EXPECT_GE(point.precision, 0.85);
        EXPECT_GE(point.recall, 0.85);
      }
    }
  }
}

TEST(WorkflowDetector, DetectsWithoutCasesWhileFewWorkflowsRunAtOnce) {
  const std::vector<double> noise = {0, 0.05, 0.10, 0.20, 0.30, 0.40};
  for (const std::size_t users : {5U, 20U}) {
    const auto curve = detection_curve(stream(0, false, users, 1), noise);
    for (const detection_quality& point : curve) {
      std::printf("without cases, %zu users: noise %.2f precision %.3f recall %.3f\n", users,
                  point.noise, point.precision, point.recall);
    }
    // Nobody can tell twenty anonymous users apart as well as five.
    const double floor = users == 5 ? 0.95 : 0.90;
    EXPECT_GE(curve[2].precision, floor);
    EXPECT_GE(curve[2].recall, floor);
    EXPECT_GE(curve[4].precision, floor - 0.10);
    EXPECT_GE(curve[4].recall, floor == 0.95 ? 0.83 : 0.72);
  }
}

TEST(WorkflowDetector, ReportsAnInstanceOnceAndBeforeItsLastStep) {
  workflow_detector detector = taught();
  const workflow_steps& steps = detector.workflows()[0];
  std::size_t reports = 0;
  std::size_t reported_at = 99;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    for (const workflow_progress& known :
         detector.observe(steps[k], 77, 1e7 + static_cast<double>(k) * 20)) {
      EXPECT_EQ(known.workflow, 0U);
      EXPECT_EQ(known.case_key, 77U);
      EXPECT_EQ(known.next, k + 1);
      EXPECT_GE(known.probability, 0.5);
      ++reports;
      reported_at = k;
    }
  }
  EXPECT_EQ(reports, 1U);
  EXPECT_LT(reported_at, steps.size() - 1);
}

TEST(WorkflowDetector, ExpectsTheStepsAheadAndTheNearerTheMore) {
  workflow_detector detector = taught();
  const workflow_steps& steps = detector.workflows()[4];
  detector.observe(steps[0], 5, 1e7);
  detector.observe(steps[1], 5, 1e7 + 20);
  std::array<workflow_expectation, 16> ahead;
  const std::size_t found = detector.expected(1e7 + 21, 120, ahead);
  std::map<specialist_index, double> probability;
  for (std::size_t i = 0; i < found; ++i) {
    if (ahead[i].workflow == 4) probability[ahead[i].who] += ahead[i].probability;
  }
  EXPECT_GT(probability[steps[2]], 0.7);
  EXPECT_GT(probability[steps[3]], 0.3);
  EXPECT_GE(probability[steps[2]], probability[steps[3]]);
  // What is done is not expected again.
  EXPECT_EQ(probability.count(steps[0]), 0U);
}

TEST(WorkflowDetector, ForgetsAnInstanceThatWentSilent) {
  workflow_detector detector = taught();
  const workflow_steps& steps = detector.workflows()[4];
  detector.observe(steps[0], 5, 1e7);
  detector.observe(steps[1], 5, 1e7 + 20);
  std::array<workflow_progress, 8> running;
  EXPECT_GE(detector.in_progress(1e7 + 21, 0.5, running), 1U);
  EXPECT_EQ(detector.in_progress(1e7 + 86400, 0.5, running), 0U);
}

TEST(WorkflowDetector, DoesNotMixTheStepsOfDifferentCases) {
  workflow_detector detector = taught();
  const workflow_steps& steps = detector.workflows()[0];
  detector.observe(steps[0], 1, 1e7);
  // The same second step in another case is not this workflow's.
  detector.observe(steps[1], 2, 1e7 + 20);
  std::array<workflow_progress, 8> running;
  const std::size_t found = detector.in_progress(1e7 + 20, 0.05, running);
  for (std::size_t i = 0; i < found; ++i) {
    if (running[i].case_key == 1 && running[i].workflow == 0) {
      EXPECT_EQ(running[i].next, 1U);
    }
  }
}

TEST(WorkflowDetector, BoundsWhatItFollows) {
  detector_settings settings;
  settings.cases_max = 50;
  settings.per_case_max = 4;
  workflow_detector detector(sample_workflows(), 83, settings);
  std::uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    detector.observe(static_cast<specialist_index>((state >> 33U) % 83), 1 + (state >> 40U) % 1000,
                     i * 0.01);
  }
  EXPECT_LE(detector.hypotheses(), 200U);
}

TEST(WorkflowDetector, KeepsWhatItLearntWhenItIsSavedAndRestored) {
  const workflow_detector detector = taught();
  state_writer to;
  detector.save(to);
  workflow_detector read(detector.workflows(), 83);
  state_reader from(to.body());
  ASSERT_TRUE(read.restore(from));
  // A first call is believed at once by who has learnt that little is foreign.
  const auto first = [](workflow_detector& one) {
    const specialist_index who = one.workflows()[4][0];
    one.observe(who, 9, 2e7);
    std::array<workflow_progress, 4> running;
    return one.in_progress(2e7, 0.0, running) > 0 ? running[0].probability : 0.0;
  };
  workflow_detector same = taught();
  EXPECT_NEAR(first(read), first(same), 0.05);

  workflow_detector other({{1, 2, 3}}, 83);
  state_reader again(to.body());
  EXPECT_FALSE(other.restore(again));
}

}  // namespace
}  // namespace greenroom::runtime
