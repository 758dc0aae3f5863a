#include "runtime/prediction/predictor.hpp"

#include "protocols/base/hash.hpp"
#include "runtime/prediction/workflow_stream.hpp"
#include "runtime/record.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace greenroom::runtime {
namespace {

const expectation* find(std::span<const expectation> all, specialist_index who) {
  for (const expectation& one : all) {
    if (one.who == who) return &one;
  }
  return nullptr;
}

/// Many short cases 1 → 2 → 3, ten seconds between steps, one a minute.
double teach_chain(predictor& to, int cases, double from_s = 0) {
  for (int n = 0; n < cases; ++n) {
    const double at_s = from_s + n * 60.0;
    for (specialist_index who = 1; who <= 3; ++who) {
      to.observe(who, static_cast<std::uint64_t>(1000 + n), at_s + who * 10.0);
    }
  }
  return from_s + cases * 60.0;
}

TEST(Predictor, ExpectsNobodyBeforeItHasSeenAnyone) {
  predictor empty(10, {});
  EXPECT_TRUE(empty.expected(0, 60).empty());
  EXPECT_EQ(empty.accuracy().scored, 0U);
}

TEST(Predictor, ExpectsTheNextStepOfALiveCaseAndSaysWhy) {
  predictor p(10, {});
  const double now_s = teach_chain(p, 200);
  p.observe(1, 5, now_s);
  const expectation* next = find(p.expected(now_s + 1, 30), 2);
  ASSERT_NE(next, nullptr);
  EXPECT_GT(next->probability, 0.7);
  EXPECT_LE(next->probability, 1.0);
  EXPECT_EQ(next->after, 1U);
  EXPECT_EQ(next->case_key, 5U);
  EXPECT_EQ(next->within_s, 30);
  float sum = 0;
  for (const float share : next->share) sum += share;
  EXPECT_NEAR(sum, 1, 1e-3);
  // The first step takes ten seconds: within two it is hardly to be expected.
  const expectation* at_once = find(p.expected(now_s + 1, 2), 2);
  EXPECT_TRUE(at_once == nullptr || at_once->probability < 0.4);
}

TEST(Predictor, ExpectsLittleOfACaseThatHasBeenSilentForMuchLongerThanUsual) {
  predictor p(10, {});
  const double now_s = teach_chain(p, 200);
  p.observe(1, 5, now_s);
  const expectation* soon = find(p.expected(now_s + 1, 30), 2);
  ASSERT_NE(soon, nullptr);
  EXPECT_EQ(soon->after, 1U);
  // A third of all calls is a case's last one, and nobody ever took a quarter of an hour: what is
  // expected then is what the hour lets expect, and nothing of the case.
  const expectation* late = find(p.expected(now_s + 900, 30), 2);
  EXPECT_TRUE(late == nullptr || late->after == no_step);
}

TEST(Predictor, FollowsOtherWorkflowsAndKeepsWhatItKnows) {
  predictor p(10, {{1, 2, 3}});
  double now_s = teach_chain(p, 100);
  const double known = p.accuracy().top1;
  p.follow({{4, 5, 6}, {7, 8, 9}});
  EXPECT_EQ(p.workflows().workflows().size(), 2U);
  EXPECT_EQ(p.accuracy().top1, known);
  std::size_t found = 0;
  for (int n = 0; n < 40; ++n, now_s += 60) {
    for (specialist_index who = 4; who <= 6; ++who) {
      p.observe(who, static_cast<std::uint64_t>(9000 + n), now_s + who);
      for (const workflow_progress& one : p.detected()) found += one.workflow == 0 ? 1 : 0;
    }
  }
  EXPECT_GT(found, 20U);
  p.observe(1, 77, now_s);
  EXPECT_NE(find(p.expected(now_s + 1, 30), 2), nullptr);
}

TEST(Predictor, LooksAtNoMoreStepsOfACaseThanItIsTold) {
  // After 1 3 comes 2, after 2 3 comes 1: one step alone cannot tell them apart.
  const auto top1 = [](std::size_t steps) {
    predictor_settings settings;
    settings.steps_remembered = steps;
    predictor p(10, {}, settings);
    for (int n = 0; n < 800; ++n) {
      const auto key = static_cast<std::uint64_t>(n + 1);
      const specialist_index first = n * 7919 % 13 < 6 ? 1 : 2;
      p.observe(first, key, n * 60.0);
      p.observe(3, key, n * 60.0 + 10);
      p.observe(3 - first, key, n * 60.0 + 20);
    }
    return p.accuracy().top1;
  };
  EXPECT_GT(top1(10), top1(1) + 0.1);
}

TEST(Predictor, RanksByProbabilityAndNamesEverySpecialistOnce) {
  predictor p(83, sample_workflows());
  stream_settings settings;
  settings.workflows = sample_workflows();
  settings.instances = 500;
  double now_s = 0;
  for (const stream_call& call : generate_stream(settings).calls) {
    p.observe(call.who, call.case_key, now_s = call.at_s);
  }
  const auto all = p.expected(now_s, 60);
  ASSERT_FALSE(all.empty());
  EXPECT_LE(all.size(), predictor_settings{}.expected_max);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_GT(all[i].probability, 0);
    EXPECT_LE(all[i].probability, 1);
    EXPECT_LT(all[i].who, 83U);
    if (i > 0) {
      EXPECT_LE(all[i].probability, all[i - 1].probability);
    }
    EXPECT_EQ(find(all, all[i].who), &all[i]);
  }
}

TEST(Predictor, ForeseesSeventyPercentOfTheCallsWithinWorkflows) {
  // Workflows with a tenth of noise and one to a session, so that what comes next can be known.
  predictor p(83, sample_workflows());
  stream_settings settings;
  settings.workflows = sample_workflows();
  settings.instances = 2000;
  settings.instances_a_session = 1;
  settings.noise = 0.10;
  for (const stream_call& call : generate_stream(settings).calls) {
    p.observe(call.who, call.case_key, call.at_s);
  }
  const hit_rates rates = p.accuracy();
  std::printf("workflow traffic at 10 %% noise: top-1 %.3f top-3 %.3f\n", rates.top1, rates.top3);
  EXPECT_EQ(rates.scored, 1000U);
  EXPECT_GE(rates.top1, 0.70);
  EXPECT_GE(rates.top3, rates.top1);
}

TEST(Predictor, TrustsWhatSuitsTheTraffic) {
  // Without cases: any order, but each hour has its own specialist.
  predictor p(50, {});
  std::uint64_t state = 7;
  const auto random = [&state](std::uint64_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33U) % n;
  };
  predictor q(50, {});
  specialist_index last = 0;
  for (int n = 0; n < 6000; ++n) {
    const double at_s = n * 60.0;
    const auto hour = static_cast<specialist_index>(n / 60 % 24);
    p.observe(random(2) == 0 ? hour : static_cast<specialist_index>(24 + random(26)), 0, at_s);
    last = random(10) == 0 ? static_cast<specialist_index>(random(50)) : (last * 7 + 3) % 50;
    q.observe(last, 0, at_s);
  }
  const auto by_hour = p.trust();
  const auto by_order = q.trust();
  const auto hour = static_cast<std::size_t>(source::hour);
  const auto sequence = static_cast<std::size_t>(source::sequence);
  const auto transition = static_cast<std::size_t>(source::transition);
  EXPECT_GT(by_hour[hour], by_order[hour]);
  EXPECT_GT(by_order[sequence] + by_order[transition], 0.8);
  EXPECT_GT(q.accuracy().top1, 0.85);
  EXPECT_GT(p.accuracy().top1, 0.40);
}

TEST(Predictor, MeasuresAccuracyOverTheWindowAlone) {
  predictor_settings settings;
  settings.window = 50;
  predictor p(10, {}, settings);
  for (int n = 0; n < 400; ++n) p.observe(static_cast<specialist_index>(n % 2), 0, n);
  EXPECT_EQ(p.accuracy().scored, 50U);
  EXPECT_EQ(p.accuracy().top1, 1.0);
  EXPECT_EQ(p.accuracy().top3, 1.0);
}

TEST(Predictor, FollowsNoMoreCasesThanItMayAndEndsSilentOnes) {
  predictor_settings settings;
  settings.cases_max = 100;
  settings.case_idle_s = 600;
  predictor p(10, {}, settings);
  for (int n = 0; n < 1000; ++n) {
    p.observe(static_cast<specialist_index>(n % 10), static_cast<std::uint64_t>(n + 1), n * 0.1);
    ASSERT_LE(p.cases(), 100U);
  }
  // Two silent cases end with each call, so fifty calls clear them.
  for (int n = 0; n < 60; ++n) p.observe(1, 0, 10000 + n);
  EXPECT_EQ(p.cases(), 1U);
}

TEST(Predictor, TreatsACallerWhoComesBackAfterALongSilenceAsANewCase) {
  predictor p(10, {});
  double now_s = teach_chain(p, 100);
  p.observe(1, 5, now_s);
  now_s += 86400;
  // The hour of the day still says that 2 is usual, but not that it is about to be called.
  const auto chance = [&p, &now_s] {
    const expectation* two = find(p.expected(now_s, 30), 2);
    return two == nullptr ? 0.0 : two->probability;
  };
  EXPECT_LT(chance(), 0.5);
  const double before = chance();
  p.observe(1, 5, now_s);
  EXPECT_GT(chance(), 0.7);
  EXPECT_GT(chance(), before + 0.2);
}

TEST(Predictor, ExpectsTheStepsOfADetectedWorkflow) {
  const std::vector<workflow_steps> workflows = sample_workflows();
  predictor p(83, workflows);
  stream_settings settings;
  settings.workflows = workflows;
  settings.instances = 1500;
  double now_s = 0;
  for (const stream_call& call : generate_stream(settings).calls) {
    p.observe(call.who, call.case_key, now_s = call.at_s);
  }
  now_s += 10000;
  const workflow_steps& steps = workflows[4];
  p.observe(steps[0], 4242, now_s);
  p.observe(steps[1], 4242, now_s + 20);
  const auto all = p.expected(now_s + 21, 120);
  const expectation* next = find(all, steps[2]);
  const expectation* then = find(all, steps[3]);
  ASSERT_NE(next, nullptr);
  ASSERT_NE(then, nullptr) << "the step after the next is warmed ahead too";
  EXPECT_GT(next->probability, 0.6);
  EXPECT_EQ(next->workflow, 4U);
  EXPECT_EQ(then->because, source::workflow);
}

TEST(Predictor, ExpectsTheSameAfterItWasSavedAndRestored) {
  predictor p(10, {{1, 2, 3}});
  const double now_s = teach_chain(p, 300);
  predictor read(10, {{1, 2, 3}});
  ASSERT_TRUE(read.restore(p.save()));
  EXPECT_TRUE(p.save() == read.save());
  p.observe(1, 5, now_s + 10000);
  read.observe(1, 5, now_s + 10000);
  const auto a = p.expected(now_s + 10001, 60);
  const auto b = read.expected(now_s + 10001, 60);
  ASSERT_FALSE(b.empty());
  EXPECT_EQ(a[0].who, b[0].who);
  EXPECT_NEAR(a[0].probability, b[0].probability, 0.05);
}

TEST(Predictor, KeepsTheRestWhenTheWorkflowsWereChanged) {
  predictor p(10, {{1, 2, 3}});
  const double now_s = teach_chain(p, 300);
  predictor read(10, {{4, 5}});
  ASSERT_TRUE(read.restore(p.save()));
  read.observe(1, 5, now_s + 10000);
  EXPECT_NE(find(read.expected(now_s + 10001, 60), 2), nullptr);
}

TEST(Predictor, ReadsWhatTheFirstReleaseSaved) {
  predictor p(10, {{1, 2, 3}});
  teach_chain(p, 300);
  const std::string saved = p.save();
  const auto body = state_reader::open(saved, "greenroom predictor", 3);
  ASSERT_TRUE(body);
  state_writer head;
  head.put(std::string_view{"greenroom predictor"});
  head.put32(3);
  head.put(static_cast<std::uint64_t>(body->size()));
  head.put(base::fnv1a(*body));
  predictor read(10, {{1, 2, 3}});
  ASSERT_TRUE(read.restore(head.body() + std::string{*body}));
  EXPECT_TRUE(read.save() == saved);
}

TEST(Predictor, RefusesDamageWithAReasonAndChangesNothing) {
  predictor p(10, {{1, 2, 3}});
  teach_chain(p, 50);
  const std::string saved = p.save();
  predictor q(10, {{1, 2, 3}});
  teach_chain(q, 20);
  const std::string before = q.save();
  EXPECT_FALSE(q.restore(""));
  EXPECT_FALSE(q.restore("rubbish"));
  for (std::size_t at = 0; at < saved.size(); at += saved.size() / 97) {
    std::string damaged = saved;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    EXPECT_FALSE(q.restore(damaged)) << at;
    EXPECT_FALSE(q.restore(saved.substr(0, at))) << at;
  }
  predictor other(11, {{1, 2, 3}});
  const auto of_another_cast = other.restore(saved);
  ASSERT_FALSE(of_another_cast);
  EXPECT_NE(of_another_cast.error().text.find("cast of 10"), std::string::npos);
  EXPECT_TRUE(q.save() == before);
}

TEST(Predictor, SurvivesAnyBytesBehindAValidSeal) {
  // A checksum can be right over nonsense: whoever wrote it wrote nonsense.
  predictor p(4, {{1, 2}});
  teach_chain(p, 20);
  const std::string saved = p.save();
  const auto body = state_reader::open(saved, "greenroom predictor", 3);
  ASSERT_TRUE(body);
  std::size_t believed = 0;
  std::uint64_t state = 3;
  for (int round = 0; round < 300; ++round) {
    std::string changed(*body);
    for (int n = 0; n < 3; ++n) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      changed[(state >> 20U) % changed.size()] = static_cast<char>(state >> 56U);
    }
    record_writer sealer{"greenroom predictor", 3};
    sealer.put_block("numbers", changed);
    predictor q(4, {{1, 2}});
    if (!q.restore(std::move(sealer).finish())) continue;
    ++believed;
    q.observe(1, 1, 1e6);
    for (const expectation& one : q.expected(1e6 + 1, 60)) {
      EXPECT_GE(one.probability, 0);
      EXPECT_LE(one.probability, 1);
    }
  }
  EXPECT_GT(believed, 0U);
}

TEST(Predictor, GrowsWithTheCast) {
  predictor p(2, {});
  p.observe(5, 0, 1);  // Nobody yet: left out.
  EXPECT_EQ(p.cases(), 0U);
  p.grow(6);
  for (int n = 0; n < 20; ++n) {
    p.observe(5, 0, 10 + 2 * n);
    p.observe(4, 0, 11 + 2 * n);
  }
  EXPECT_NE(find(p.expected(60, 60), 5), nullptr);
}

}  // namespace
}  // namespace greenroom::runtime
