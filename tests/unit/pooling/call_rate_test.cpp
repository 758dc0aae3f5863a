// How soon a call is expected: the signals and the mixture of them.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>

#include "runtime/pooling/call_rate_mixture.hpp"
#include "runtime/pooling/call_rate_signals.hpp"
#include "runtime/pooling/session_signal.hpp"

namespace greenroom::runtime {
namespace {

TEST(AgeBin, GrowsByAQuarterOctaveAndNeverLeavesItsRange) {
  EXPECT_EQ(age_bin(-1), 0U);
  EXPECT_EQ(age_bin(0.25), 0U);
  EXPECT_EQ(age_bin(std::nan("")), 0U);
  EXPECT_EQ(age_bin(1e12), age_bins - 1);
  for (std::size_t bin = 1; bin < age_bins; ++bin) {
    EXPECT_EQ(age_bin(age_bin_from_s(bin) * 1.001), bin);
  }
}

TEST(ArrivalHistory, FadesEachScaleAtItsOwnPace) {
  const auto left = fades_after(270);
  for (std::size_t k = 0; k < rate_scales; ++k) {
    EXPECT_NEAR(left[k], std::exp(-270 / rate_scale_s[k]), 1e-9);
  }
}

TEST(CallRateMixture, LearnsWhichSourceToTrust) {
  // One source tells the truth about a rate that varies, another is noise.
  call_rate_mixture mixture;
  call_rate_mixture::own_trust own;
  std::mt19937 random(5);
  std::uniform_real_distribution<double> even(0, 1);
  for (int i = 0; i < 60'000; ++i) {
    signal_values said;
    said.base_log = std::log(1e-3);
    said.x[0] = 1;
    const double truth = even(random) * 4 - 2;
    said.x[static_cast<std::size_t>(signal::own_gaps)] = truth;
    said.x[static_cast<std::size_t>(signal::hour)] = even(random) * 4 - 2;
    const double rate = 1e-3 * std::exp(truth);
    const bool came = even(random) < rate * 30;
    mixture.learn(own, said, mixture.read(own, said).raw, 30, came, 1e-1);
  }
  EXPECT_NEAR(mixture.trust(own, signal::own_gaps), 1.0, 0.25);
  EXPECT_NEAR(mixture.trust(own, signal::hour), 0.0, 0.2);
}

TEST(CallRateMixture, StaysFiniteWhateverItIsTold) {
  call_rate_mixture mixture;
  call_rate_mixture::own_trust own;
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    signal_values said;
    said.base_log = -static_cast<double>(random() % 20);
    for (double& x : said.x) x = static_cast<double>(random() % 41) - 20;
    const auto found = mixture.read(own, said);
    ASSERT_TRUE(std::isfinite(found.rate));
    ASSERT_GT(found.rate, 0);
    mixture.learn(own, said, found.raw, static_cast<double>(random() % 100'000), random() % 2 == 0,
                  1e-3);
  }
}

TEST(CallRateMixture, KnowsWhenTheFleetComesBackFromVisitsOfOthers) {
  // Everybody comes back ten minutes after an interval of ten minutes, and no source says so.
  call_rate_mixture mixture;
  signal_values said;
  said.base_log = std::log(1e-3);
  said.x[0] = 1;
  said.gap_row = gap_table::row_of(600);
  signal_values due = said;
  due.age_s = 590;
  due.ahead_s = 20;
  signal_values between = said;
  between.age_s = 300;
  between.ahead_s = 60;
  for (int i = 0; i < 200; ++i) {
    call_rate_mixture::own_trust own;  // Each time somebody who was not seen before.
    mixture.learn(own, between, mixture.read(own, between).raw, 290, false, 1e-1);
    mixture.learn(own, due, mixture.read(own, due).raw, 10, true, 1e-1);
  }
  const call_rate_mixture::own_trust stranger;
  EXPECT_GT(mixture.read(stranger, due).rate, 5 * mixture.read(stranger, due).raw);
  EXPECT_LT(mixture.read(stranger, between).rate, 0.5 * mixture.read(stranger, between).raw);
}

TEST(CallRateMixture, AddsToItsOwnWhatSessionsPromise) {
  const call_rate_mixture mixture;
  const call_rate_mixture::own_trust own;
  signal_values said;
  said.base_log = std::log(1e-5);
  said.x[0] = 1;
  const double alone = mixture.read(own, said).rate;
  said.promised = 1e-2;
  const double with_sessions = mixture.read(own, said).rate;
  EXPECT_GT(with_sessions, alone + 1e-3);
  EXPECT_LT(with_sessions, alone + 1e-2) << "what sessions promise was taken at its word";
}

TEST(CallRateSignals, KnowWhatFollowsIntervalsLikeTheLast) {
  fleet_rhythm fleet;
  fleet.begin(0);
  // Visits in groups, thirty seconds apart, then four and a half minutes nothing. What is said
  // thirty seconds after the last of `count` visits?
  const auto says = [&](signal which, int group, int count) {
    arrival_history one;
    double now_s = 0;
    for (int i = 0; i < count; ++i) {
      now_s += i % group == 0 ? 270 : 30;
      one.visit(now_s);
      one.idle_since_s = now_s;
    }
    signal_values said;
    fleet.refresh(now_s + 30);
    read_signals(one, fleet, now_s + 30, 0.5, said);
    return said.x[static_cast<std::size_t>(which)];
  };
  EXPECT_GT(says(signal::after_one, 2, 21), 0.3) << "the first of two";
  EXPECT_LT(says(signal::after_one, 2, 22), -0.3) << "the second of two";
  // Of three, the last interval does not tell the second visit from the third.
  EXPECT_GT(says(signal::after_two, 3, 23), 0.3) << "the second of three";
  EXPECT_LT(says(signal::after_two, 3, 24), -0.3) << "the third of three";
}

TEST(ArrivalHistory, RemembersItsIntervalsTheLastOneFirst) {
  arrival_history one;
  EXPECT_EQ(one.intervals(), 0U);
  for (int i = 0; i < 60; ++i) one.visit(i * i);
  EXPECT_EQ(one.intervals(), intervals_kept);
  for (std::size_t back = 0; back < intervals_kept; ++back)
    EXPECT_EQ(one.interval_s[back], 2 * (59 - static_cast<int>(back)) - 1);
}

TEST(SessionSignal, ExpectsWhatFollowsInTheSessionsUnderWay) {
  session_signal sessions;
  sessions.grow(3);
  EXPECT_LT(sessions.rate(1, 0), 0) << "nothing was ever named";
  double now_s = 0;
  for (std::uint64_t key = 1; key <= 200; ++key) {
    sessions.observe(0, key, now_s += 50);
    sessions.observe(1, key, now_s += 20);
  }
  now_s += 5000;
  const double idle = sessions.rate(1, now_s);
  sessions.observe(0, 999, now_s);
  EXPECT_GT(sessions.rate(1, now_s + 20), 20 * idle);
  EXPECT_GT(sessions.rate(1, now_s + 20), 5 * sessions.rate(2, now_s + 20));
}

TEST(SessionSignal, KnowsASessionThatTriesOutAllFromOneThatStays) {
  constexpr std::uint64_t stays = 1;
  constexpr std::uint64_t wanders = 2;
  const auto promised_by = [](std::uint64_t last, specialist_index to) {
    session_signal sessions;
    sessions.grow(12);
    double now_s = 0;
    for (specialist_index i = 0; i < 100; ++i) {
      sessions.observe(3, stays, now_s += 30);
      sessions.observe(i % 10, wanders, now_s += 30);
    }
    now_s += 86400;
    sessions.observe(3, last, now_s);
    return sessions.rate(to, now_s + 30);
  };
  EXPECT_GT(promised_by(wanders, 7), 5 * promised_by(stays, 7));
  EXPECT_GT(promised_by(stays, 3), 1.5 * promised_by(wanders, 3));
  // Nobody is left out because nobody has turned to it so far.
  EXPECT_GT(promised_by(wanders, 11), 0);
}

TEST(SessionSignal, ForgetsASessionThatHasGoneAway) {
  session_signal sessions;
  sessions.grow(2);
  EXPECT_FALSE(sessions.under_way(0));
  sessions.observe(0, 5, 100);
  EXPECT_TRUE(sessions.under_way(100 + 3600));
  EXPECT_FALSE(sessions.under_way(100 + 5 * 3600));
}

}  // namespace
}  // namespace greenroom::runtime
