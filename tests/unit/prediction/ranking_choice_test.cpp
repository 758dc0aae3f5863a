#include "runtime/prediction/ranking_choice.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime {
namespace {

using short_lists = std::array<short_list, ranking_choice::ranker_count>;

short_list listing(std::uint8_t a, std::uint8_t b, std::uint8_t c) {
  return {{a, b, c}, 3, false, 0.95F};
}

TEST(RankingChoice, FollowsTheRankerThatIsRightMostOften) {
  ranking_choice choice;
  short_lists lists;
  lists.fill(listing(0, 1, 2));
  lists[6] = listing(3, 0, 1);
  lists[7] = listing(0, 3, 1);
  lists[8] = listing(0, 1, 3);
  for (int n = 0; n < 64; ++n) choice.learn(lists, 3, false, true);
  EXPECT_EQ(choice.chosen(true).first, 6U);
  EXPECT_EQ(choice.chosen(true).second, 6U);
  // Afterwards the law is another one, and the leader must change.
  lists[6] = listing(0, 1, 2);
  for (int n = 0; n < 640; ++n) choice.learn(lists, 3, false, true);
  EXPECT_EQ(choice.chosen(true).second, 7U);
  EXPECT_EQ(choice.chosen(true).third, 7U);
}

TEST(RankingChoice, LeavesOutTheFirstRankerWhenToldSo) {
  ranking_choice choice;
  short_lists lists;
  lists.fill(listing(0, 1, 2));
  lists[0] = listing(3, 0, 1);
  for (int n = 0; n < 64; ++n) choice.learn(lists, 3, false, true);
  EXPECT_EQ(choice.chosen(true).first, 0U);
  EXPECT_NE(choice.chosen(false).first, 0U);
}

TEST(RankingChoice, NamesTheRunnerUpWhereTheEndIsGuessedAtACost) {
  ranking_choice choice;
  short_lists lists;
  short_list end_first = listing(0, 1, 2);
  end_first.ends = true;
  lists.fill(end_first);
  lists[5] = listing(1, 0, 2);  // A plain ranker that never guesses the end.
  // The end comes half the time: a guess of it wins nothing overall and loses all the rest.
  for (int n = 0; n < 640; ++n) {
    choice.learn(lists, 0, true, true);
    choice.learn(lists, 1, false, true);
  }
  const ranking_choice::choice& chosen = choice.chosen(true);
  EXPECT_EQ(ranking_choice::first_guess(lists[chosen.first], chosen.first_reluctance, true), 1U);
  // After one step the end is guessed freely.
  EXPECT_EQ(ranking_choice::first_guess(end_first, ranking_choice::reluctance_count - 1, false),
            0U);
}

TEST(RankingChoice, RefusesASavedChoiceThatNamesNoRanker) {
  ranking_choice choice;
  state_writer to;
  choice.save(to);
  std::string body = to.body();
  body[body.size() - 4] = 99;
  ranking_choice read;
  state_reader from(body);
  read.restore(from);
  EXPECT_TRUE(from.failed());
}

}  // namespace
}  // namespace greenroom::runtime
