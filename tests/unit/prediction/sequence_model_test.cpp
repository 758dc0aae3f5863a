#include "runtime/prediction/sequence_model.hpp"

#include "tests/unit/prediction/generated_logs.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime {
namespace {

/// Learns a case from its first step to its end.
void teach(sequence_model& model, const std::vector<specialist_index>& steps, double at_s = 0) {
  sequence_position at;
  for (const specialist_index who : steps) {
    model.learn(at, who);
    at.advance(who, at_s += 10);
  }
  model.learn(at, end_of_case);
}

sequence_position after(const std::vector<specialist_index>& steps, double at_s = 0) {
  sequence_position at;
  for (const specialist_index who : steps) at.advance(who, at_s += 10);
  return at;
}

next_step best(const sequence_model& model, const sequence_position& at) {
  std::array<next_step, 1> first;
  return model.rank(at, first) == 0 ? next_step{} : first[0];
}

TEST(SequenceModel, SaysNothingBeforeItHasSeenAnything) {
  const sequence_model model;
  std::array<next_step, 3> ranked;
  EXPECT_EQ(model.rank(sequence_position{}, ranked), 0U);
}

TEST(SequenceModel, TellsApartWhatOnlyTheStepBeforeTheLastTellsApart) {
  sequence_model model;
  for (int i = 0; i < 200; ++i) {
    teach(model, {1, 5, 2});
    teach(model, {3, 5, 4});
  }
  EXPECT_EQ(best(model, after({1, 5})).who, 2U);
  EXPECT_EQ(best(model, after({3, 5})).who, 4U);
}

TEST(SequenceModel, ForeseesTheEndOfACase) {
  sequence_model model;
  for (int i = 0; i < 100; ++i) teach(model, {7, 8});
  EXPECT_EQ(best(model, after({7, 8})).who, end_of_case);
  EXPECT_EQ(best(model, sequence_position{}).who, 7U);
}

TEST(SequenceModel, GivesProbabilitiesThatSumToOneAtMost) {
  sequence_model model;
  for (const logged_case& one : testing::generated_log(testing::law::order_3, 300, 20, 5)) {
    sequence_position at;
    for (const logged_step& step : one) {
      std::array<next_step, 40> ranked;
      double sum = 0;
      const std::size_t found = model.rank(at, ranked);
      for (std::size_t i = 0; i < found; ++i) {
        ASSERT_GE(ranked[i].probability, 0);
        if (i > 0) {
          ASSERT_LE(ranked[i].probability, ranked[i - 1].probability);
        }
        sum += static_cast<double>(ranked[i].probability);
      }
      ASSERT_LE(sum, 1.0001);
      model.learn(at, step.who);
      at.advance(step.who, step.at_s);
    }
  }
}

TEST(SequenceModel, FollowsALawThatChanges) {
  sequence_model model;
  for (int i = 0; i < 500; ++i) teach(model, {1, 2}, i * 3600.0);
  for (int i = 500; i < 560; ++i) teach(model, {1, 3}, i * 3600.0);
  EXPECT_EQ(best(model, after({1}, 560 * 3600.0)).who, 3U);
}

TEST(SequenceModel, KeepsNoMoreContextsThanItMay) {
  sequence_settings settings;
  settings.contexts_max = 1024;
  sequence_model model(settings);
  for (const auto& one : testing::generated_log(testing::law::random_choice, 2000, 300, 9)) {
    sequence_position at;
    for (const logged_step& step : one) {
      model.learn(at, step.who);
      at.advance(step.who, step.at_s);
    }
  }
  EXPECT_LE(model.contexts(), 1024U);
  EXPECT_GT(model.contexts(), 900U);
}

TEST(SequenceModel, RanksTheSameAfterItWasSavedAndRestored) {
  sequence_model model;
  const auto log = testing::generated_log(testing::law::order_3, 200, 12, 3);
  const auto teach_all = [&log](sequence_model& to) {
    for (const logged_case& one : log) {
      sequence_position at;
      for (const logged_step& step : one) {
        to.learn(at, step.who);
        at.advance(step.who, step.at_s);
      }
    }
  };
  teach_all(model);
  state_writer to;
  model.save(to);
  sequence_model read;
  state_reader from(to.body());
  from.expect_members(12);
  ASSERT_TRUE(read.restore(from));
  ASSERT_TRUE(from.at_end());
  // Also what is learnt afterwards must be the same.
  teach_all(model);
  teach_all(read);
  for (const logged_case& one : log) {
    sequence_position at;
    for (const logged_step& step : one) at.advance(step.who, step.at_s);
    std::array<next_step, 5> a;
    std::array<next_step, 5> b;
    const std::size_t n = model.rank(at, a);
    ASSERT_EQ(n, read.rank(at, b));
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(a[i].who, b[i].who);
      EXPECT_EQ(a[i].probability, b[i].probability);
    }
  }
}

TEST(SequenceModel, IsAsNewAfterItRefusedDamage) {
  sequence_model model;
  teach(model, {1, 2, 3});
  state_writer to;
  model.save(to);
  for (std::size_t cut = 0; cut < to.body().size(); cut += 7) {
    sequence_model read;
    state_reader from(std::string_view(to.body()).substr(0, cut));
    EXPECT_FALSE(read.restore(from));
    EXPECT_EQ(read.learnt(), 0U);
  }
}

TEST(ContextCounts, GiveUpTheRarestSuccessorForOneThatComesMoreOften) {
  context_counts counts;
  for (specialist_index who = 0; who < context_counts::steps_max; ++who) {
    for (int n = 0; n < 3; ++n) counts.add(who, 1e6F);
  }
  for (int n = 0; n < 20; ++n) counts.add(99, 1e6F);
  EXPECT_GT(counts.count_of(99), 10);
  EXPECT_EQ(counts.size, context_counts::steps_max);
  EXPECT_EQ(counts.total, 3.0F * context_counts::steps_max + 20);
}

TEST(ContextCounts, HalveAtTheLimitAndNotBefore) {
  context_counts counts;
  for (int n = 0; n < 8; ++n) counts.add(1, 8);
  EXPECT_EQ(counts.total, 8);
  counts.add(1, 8);
  EXPECT_EQ(counts.total, 5);
}

}  // namespace
}  // namespace greenroom::runtime
