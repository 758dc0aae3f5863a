// The plain patterns: shares, transitions, hours, collaboration.
#include "runtime/calendar.hpp"
#include "runtime/prediction/collaboration.hpp"
#include "runtime/prediction/hour_profile.hpp"
#include "runtime/prediction/transition_matrix.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace greenroom::runtime {
namespace {

TEST(DecayedShares, TendToFrequenciesWithAMemoryOfOneOverTheDecay) {
  decayed_shares shares;
  for (int i = 0; i < 400; ++i) shares.observe(i % 4 == 0 ? 1 : 2, 0.02);
  EXPECT_NEAR(shares.share(1), 0.25, 0.02);
  EXPECT_NEAR(shares.share(2), 0.75, 0.02);
  EXPECT_NEAR(shares.total(), 50, 1);
  for (int i = 0; i < 35; ++i) shares.observe(3, 0.02);
  EXPECT_NEAR(shares.share(3), 1 - std::pow(0.98, 35), 0.01);
}

TEST(DecayedShares, KeepTwelveAndLetANewcomerInWhoComesOften) {
  decayed_shares shares;
  for (int i = 0; i < 500; ++i) shares.observe(static_cast<specialist_index>(i % 40), 0.02);
  EXPECT_LE(shares.kept().size(), decayed_shares::kept_max);
  for (int i = 0; i < 50; ++i) shares.observe(777, 0.02);
  EXPECT_GT(shares.share(777), 0.5);
}

TEST(TransitionMatrix, LearnsWhoFollowsAndHowSoon) {
  transition_matrix matrix(10);
  for (int i = 0; i < 100; ++i) matrix.observe(1, i % 5 == 0 ? 3 : 2, 10);
  EXPECT_NEAR(matrix.share(1, 2), 0.8, 0.05);
  EXPECT_NEAR(matrix.share(1, 3), 0.2, 0.05);
  EXPECT_EQ(matrix.share(2, 1), 0);
  EXPECT_GT(matrix.next_call(1, 0, 20, 0).within, 0.85);
  EXPECT_LT(matrix.next_call(1, 0, 4, 0).within, 0.1);
  // Having waited for longer than ever, the next call has become unlikely to be near.
  EXPECT_GT(matrix.next_call(1, 5, 20, 0).within, matrix.next_call(1, 100, 20, 0).within);
}

TEST(TransitionMatrix, TakesALongSilenceForTheEnd) {
  transition_matrix matrix(3);
  for (int i = 0; i < 200; ++i) matrix.observe(0, 1, 10);
  EXPECT_NEAR(matrix.next_call(0, 0, 60, 0.2).goes_on, 0.8, 1e-6);
  EXPECT_NEAR(matrix.next_call(0, 0, 60, 0.2).within, 0.8, 0.05);
  EXPECT_LT(matrix.next_call(0, 60, 60, 0.2).goes_on, 0.1);
  // Where nothing ever ends, a silence says nothing about that.
  EXPECT_EQ(matrix.next_call(0, 60, 60, 0).goes_on, 1);
}

TEST(TransitionMatrix, GivesAHorizonThatGrowsAGrowingProbability) {
  transition_matrix matrix(4);
  for (int i = 0; i < 50; ++i) matrix.observe(0, 1, 0.5 * i);
  double before = 0;
  for (double horizon_s = 0.1; horizon_s < 1e6; horizon_s *= 2) {
    const double now = matrix.next_call(0, 3, horizon_s, 0.1).within;
    EXPECT_GE(now, before - 1e-12);
    before = now;
  }
  EXPECT_LE(before, 1.0);
}

TEST(HourProfile, TellsTheBusyHourFromTheQuietOne) {
  hour_profile hours(3);
  for (int day = 0; day < 14; ++day) {
    for (int n = 0; n < 60; ++n) hours.observe(1, day * day_s + 9 * hour_s + n * 60);
    hours.observe(2, day * day_s + 20 * hour_s);
  }
  const double now_s = 14 * day_s;
  EXPECT_GT(hours.rate(1, now_s + 9.5 * hour_s), 8 * hours.rate(1, now_s + 3 * hour_s));
  EXPECT_NEAR(hours.rate(1, now_s + 9.5 * hour_s), 1.0 / 60, 0.01);
  EXPECT_GT(hours.usual_share(1, now_s + 9.5 * hour_s), 0.9);
  EXPECT_EQ(hours.rate(0, now_s), 0);
}

TEST(HourProfile, TellsWeekdaysFromTheWeekend) {
  hour_profile hours(2);
  for (int day = 0; day < 42; ++day) {
    if (day % 7 < 5) {
      for (int n = 0; n < 20; ++n) hours.observe(1, day * day_s + 9 * hour_s + n * 60);
    } else {
      hours.observe(0, day * day_s + 9 * hour_s);
    }
  }
  EXPECT_GT(hours.rate(1, 43 * day_s + 9.5 * hour_s), 2 * hours.rate(1, 47 * day_s + 9.5 * hour_s));
}

TEST(HourProfile, ShrinksWhatItHardlyKnowsToTheMean) {
  hour_profile hours(2);
  hours.observe(1, 9 * hour_s);
  hours.observe(1, 9 * hour_s + 600);
  // Ten minutes say little: another hour of the day is believed to be much the same.
  const double same = hours.rate(1, 9 * hour_s + 600);
  const double other = hours.rate(1, 15 * hour_s);
  EXPECT_LT(same, 4 * other);
  EXPECT_GT(same, other);
}

TEST(Collaboration, SharesWhatHappensAroundASpecialist) {
  collaboration work(10);
  for (int n = 0; n < 100; ++n) {
    work.observe(2, std::vector<specialist_index>{1});
    work.observe(static_cast<specialist_index>(3 + n % 5), std::vector<specialist_index>{9});
  }
  EXPECT_GT(work.share(1, 2), 0.9);
  EXPECT_EQ(work.share(1, 2), work.share(2, 1));
  EXPECT_LT(work.share(9, 3), 0.5) << "it has four other partners";
  EXPECT_EQ(work.share(1, 9), 0);
  EXPECT_EQ(work.share(77, 1), 0);
}

TEST(Collaboration, FadesWithTwoPercentForEachMeeting) {
  collaboration work(10);
  for (int n = 0; n < 100; ++n) work.observe(2, std::vector<specialist_index>{1});
  for (int n = 0; n < 35; ++n) work.observe(3, std::vector<specialist_index>{1});
  EXPECT_NEAR(work.share(1, 3), 1 - std::pow(0.98, 35), 0.08);
}

TEST(StateText, RefusesAnotherKindVersionLengthAndContent) {
  state_writer to;
  to.put(std::uint64_t{42});
  const std::string sealed = to.sealed("thing", 3);
  const auto body = state_reader::open(sealed, "thing", 3);
  ASSERT_TRUE(body);
  EXPECT_EQ(state_reader(*body).integer(), 42U);
  EXPECT_EQ(state_reader::open(sealed, "other", 3).error().code, "kind");
  EXPECT_EQ(state_reader::open(sealed, "thing", 4).error().text, "version 3, expected 4");
  for (std::size_t cut = 0; cut < sealed.size(); ++cut)
    EXPECT_FALSE(state_reader::open(sealed.substr(0, cut), "thing", 3)) << cut;
  EXPECT_EQ(state_reader::open(sealed + "x", "thing", 3).error().code, "damaged");
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(state_reader::open(changed, "thing", 3)) << at;
  }
}

// What releases up to 0.1.0 wrote, byte by byte.
TEST(StateText, ReadsTheFirstFormat) {
  using namespace std::string_literals;
  const auto first =
      "\x05\0\0\0\0\0\0\0thing\x03\0\0\0\x08\0\0\0\0\0\0\0"s
      "\xef\xda\x89\x37\x6b\xdd\x3a\xff"s
      "\x2a\0\0\0\0\0\0\0"s;
  const auto body = state_reader::open(first, "thing", 3);
  ASSERT_TRUE(body) << body.error().text;
  EXPECT_EQ(state_reader(*body).integer(), 42U);
  EXPECT_EQ(state_reader::open(first, "thing", 4).error().text, "version 3, expected 4");
  for (std::size_t cut = 0; cut < first.size(); ++cut)
    EXPECT_FALSE(state_reader::open(first.substr(0, cut), "thing", 3)) << cut;
}

}  // namespace
}  // namespace greenroom::runtime
