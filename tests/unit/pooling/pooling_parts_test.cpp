// The parts that the policy is made of, each on its own.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "runtime/pooling/call_rate_mixture.hpp"
#include "runtime/pooling/call_rate_signals.hpp"
#include "runtime/pooling/department_balance.hpp"
#include "runtime/pooling/due_queue.hpp"
#include "runtime/pooling/eviction_order.hpp"
#include "runtime/pooling/gap_table.hpp"
#include "runtime/pooling/prediction_referee.hpp"
#include "runtime/pooling/price_controller.hpp"
#include "runtime/pooling/session_signal.hpp"
#include "runtime/pooling/warm_adaptation.hpp"

namespace greenroom::runtime {
namespace {

TEST(EvictionOrder, FindsOutOnlyWhatItHasToAndHandsOutTheLeastWantedFirst) {
  const std::vector<double> exact{5, 9, 3, 4, 8, 7};
  std::vector<candidate> at_least;
  for (specialist_index who = 0; who < exact.size(); ++who)
    at_least.push_back({who, std::min(exact[who], 4.5 + who), 0});
  at_least[0].worth = 1;
  std::vector<specialist_index> asked;
  eviction_order order{at_least, [&](specialist_index who) {
                         asked.push_back(who);
                         return exact[who];
                       }};
  EXPECT_EQ(order.next()->who, 2U);
  EXPECT_EQ(asked, (std::vector<specialist_index>{0, 2}));
  std::vector<specialist_index> rest;
  while (const auto one = order.next()) rest.push_back(one->who);
  EXPECT_EQ(rest, (std::vector<specialist_index>{3, 0, 5, 4, 1}));
  EXPECT_EQ(asked.size(), exact.size()) << "each at most once";
}

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

TEST(DueQueue, PopsInOrderWhateverWasMoved) {
  std::mt19937 random(11);
  due_queue queue;
  queue.grow(50);
  std::vector<double> expected(50, never_s);
  for (int i = 0; i < 5000; ++i) {
    const auto who = static_cast<specialist_index>(random() % 50);
    const double due_s = random() % 5 == 0 ? never_s : static_cast<double>(random() % 1000);
    queue.set(who, due_s);
    expected[who] = due_s;
    EXPECT_EQ(queue.next_s(), *std::min_element(expected.begin(), expected.end()));
  }
  double before_s = -1;
  while (!queue.empty()) {
    const double due_s = queue.next_s();
    EXPECT_GE(due_s, before_s);
    before_s = due_s;
    EXPECT_EQ(expected[queue.pop()], due_s);
  }
}

TEST(WarmAdaptation, RaisesUnderPressureAndLowersOnMissesWithinItsBounds) {
  warm_adaptation adapt;
  adapt.configure(0.3, 17, true);
  double now_s = 0;
  for (int i = 0; i < 100; ++i) adapt.observe(0.9, 0.9, now_s += 15);
  EXPECT_DOUBLE_EQ(adapt.threshold(), 0.6);
  EXPECT_EQ(adapt.slots(), 9U);
  for (int i = 0; i < 2000; ++i) adapt.observe(0.5, 0.3, now_s += 15);
  EXPECT_DOUBLE_EQ(adapt.threshold(), 0.2);
  EXPECT_EQ(adapt.slots(), 17U);
}

TEST(WarmAdaptation, MovesByOneStepAfterTheDwellAndNotBefore) {
  warm_adaptation adapt;
  adapt.configure(0.3, 17, true);
  EXPECT_FALSE(adapt.observe(0.9, 1, 100));
  EXPECT_FALSE(adapt.observe(0.9, 1, 100 + warm_adaptation::dwell_s - 0.5));
  EXPECT_TRUE(adapt.observe(0.9, 1, 100 + warm_adaptation::dwell_s));
  EXPECT_DOUBLE_EQ(adapt.threshold(), 0.32);
  EXPECT_EQ(adapt.slots(), 16U);
}

TEST(WarmAdaptation, DoesNotOscillateUnderASquareWave) {
  // Five minutes of pressure, five minutes of misses, for a day.
  warm_adaptation adapt;
  adapt.configure(0.4, 17, true);
  std::size_t early = 0;
  std::size_t late = 0;
  for (double now_s = 0; now_s < 86'400; now_s += 15) {
    const bool high = static_cast<int>(now_s / 300) % 2 == 0;
    const bool moved = adapt.observe(high ? 0.95 : 0.3, high ? 0.9 : 0.4, now_s);
    (now_s < 7200 ? early : late) += moved ? 1 : 0;
  }
  EXPECT_GT(early, 0U);
  EXPECT_LE(late, 2U) << "it still swings after two hours";
}

TEST(WarmAdaptation, HoldsStillBetweenTheTwoConditionsAndWhenItIsOff) {
  warm_adaptation adapt;
  adapt.configure(0.3, 17, true);
  for (double now_s = 0; now_s < 5000; now_s += 15) EXPECT_FALSE(adapt.observe(0.7, 0.7, now_s));
  for (double now_s = 5000; now_s < 9000; now_s += 15) EXPECT_FALSE(adapt.observe(0.7, -1, now_s));
  adapt.configure(0.3, 17, false);
  for (double now_s = 9000; now_s < 12000; now_s += 15) EXPECT_FALSE(adapt.observe(1, 0, now_s));
}

TEST(PriceController, FindsThePriceThatMeetsTheTarget) {
  price_controller price;
  double now_s = 0;
  // A hundred specialists of 1 MB, worth 1e-4 … 1e-2 all the time.
  for (int tick = 0; tick < 1000; ++tick) {
    for (int i = 0; i < 100; ++i) price.idle(1e-4 * std::pow(100.0, i / 100.0), 1, 15);
    price.observe(0.2, 0, 100, now_s += 15);
  }
  // A fifth of them is worth more than this.
  EXPECT_NEAR(std::log(price.price(0.2)), std::log(1e-4 * std::pow(100.0, 0.8)), 0.25);
  EXPECT_GT(price.price(0.1), price.price(0.2));
}

TEST(PriceController, LeavesRoomForThoseThatAreBusy) {
  price_controller price;
  double now_s = 0;
  for (int tick = 0; tick < 1000; ++tick) {
    price.idle(1e-3, 50, 15);
    price.observe(0.3, 0.3, 100, now_s += 15);
  }
  // The busy ones alone use the target up: nothing idle is worth its memory.
  EXPECT_GT(price.price(0.2), 1e-3);
}

TEST(PredictionReferee, SwitchesOffAfterTwoBadWindowsAndTriesAgain) {
  prediction_referee referee;
  double now_s = 0;
  referee.judge(now_s);
  const auto window = [&](int misses) {
    for (int i = 0; i < 200; ++i) {
      // Half of the gaps are short: plain keep-alive misses the others.
      const double gap_s = i % 2 == 0 ? 30 : 90'000;
      referee.visit(gap_s);
      referee.spent(30);
      if (i % 2 == 1) {
        referee.shadow_expired();
        referee.spent(referee.keep_s());
      }
      if (i < misses) referee.missed();
    }
    return referee.judge(now_s += prediction_referee::window_s);
  };
  EXPECT_EQ(window(60), prediction_referee::verdict::kept);
  EXPECT_EQ(window(190), prediction_referee::verdict::none);
  EXPECT_TRUE(referee.predicting());
  EXPECT_EQ(window(190), prediction_referee::verdict::switched_off);
  EXPECT_FALSE(referee.predicting());
  int pause = 0;
  while (window(100) != prediction_referee::verdict::tried_again) ASSERT_LT(++pause, 10);
  EXPECT_TRUE(referee.predicting());
  EXPECT_EQ(window(60), prediction_referee::verdict::kept);
}

TEST(PredictionReferee, SaysNothingOfAWindowThatAHardCapDecided) {
  prediction_referee referee;
  referee.judge(0);
  for (int round = 1; round < 6; ++round) {
    for (int i = 0; i < 200; ++i) {
      referee.visit(30);
      referee.spent(30);
      referee.missed();
    }
    referee.constrained();
    EXPECT_EQ(referee.judge(round * prediction_referee::window_s),
              prediction_referee::verdict::none);
  }
  EXPECT_TRUE(referee.predicting());
}

TEST(IntensityMixture, LearnsWhichSourceToTrust) {
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

TEST(IntensityMixture, StaysFiniteWhateverItIsTold) {
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

TEST(IntensityMixture, KnowsWhenTheFleetComesBackFromVisitsOfOthers) {
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

TEST(IntensityMixture, AddsToItsOwnWhatSessionsPromise) {
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

TEST(GapTable, SaysNothingBeforeItHasLearnt) {
  gap_table gaps;
  EXPECT_EQ(gaps.factor(gap_table::row_of(600), 60, 10), 1.0);
  gaps.learn(gap_table::row_of(600), 60, 10, 0.1, true);
  EXPECT_NEAR(gaps.factor(gap_table::row_of(600), 100, 10), 1.0, 1e-9);
  EXPECT_EQ(gaps.factor(gap_table::row_of(0), 60, 10), 1.0);
}

TEST(GapTable, FollowsTheRatioOfWhatCameToWhatWasForeseen) {
  gap_table gaps;
  const auto row = gap_table::row_of(60);
  // Of a hundred idle times a tenth ends within the second before the minute, and all of the
  // others within the second after it; one in a hundred seconds was foreseen.
  for (int i = 0; i < 1000; ++i) {
    const bool early = i % 10 == 0;
    gaps.learn(row, 50, 9, 0.01, false);
    gaps.learn(row, 59, early ? 0.5 : 1.0, 0.01, early);
    if (!early) gaps.learn(row, 60, 0.5, 0.01, true);
  }
  EXPECT_LT(gaps.factor(row, 52, 5), 0.25);
  EXPECT_GT(gaps.factor(row, 60, 0.5), 30);
  // Over a span it is the mean of its parts.
  const double whole = gaps.factor(row, 52, 10);
  EXPECT_NEAR(whole, 0.5 * gaps.factor(row, 52, 5) + 0.5 * gaps.factor(row, 57, 5), 1e-9);
  gap_table once;
  once.learn(row, 60, 0.1, 1, true);
  EXPECT_NEAR(once.factor(row, 60, 0.1), 4.0 / 3.1, 0.01) << "one visit is little evidence";
}

TEST(GapTable, TellsLengthsApartThatDifferByAFewPercent) {
  for (const double length_s : {1.0, 30.0, 100.0, 300.0, 600.0, 1000.0, 3600.0, 86400.0}) {
    const auto row = gap_table::row_of(length_s);
    EXPECT_NE(row, gap_table::row_of(1.07 * length_s)) << length_s;
    gap_table gaps;
    gaps.learn(row, length_s, 1e-3 * length_s, 1e-9, true);
    EXPECT_GT(gaps.factor(row, length_s, 1e-3 * length_s), 1.2);
    EXPECT_NEAR(gaps.factor(row, 1.035 * length_s, 1e-3 * length_s), 1.0, 1e-9) << length_s;
  }
}

TEST(GapTable, CountsAllThatWasForeseenOnceHoweverItIsCutUp) {
  gap_table at_once, in_parts;
  const auto row = gap_table::row_of(0);
  at_once.learn(row, 0.1, 1000, 0.01, false);
  std::mt19937 random(7);
  for (double age_s = 0.1; age_s < 1000.1;) {
    const double step_s =
        std::min(1000.1 - age_s, std::uniform_real_distribution<double>{0, 30}(random));
    in_parts.learn(row, age_s, step_s, 0.01, false);
    age_s += step_s;
    if (1000.1 - age_s < 1e-9) break;
  }
  double foreseen = 0;
  at_once.visit([&](gap_table::cell, const gap_table::counts& one) {
    foreseen += static_cast<double>(one.foreseen);
  });
  EXPECT_NEAR(foreseen, 10, 1e-3);
  for (double age_s = 0.1; age_s < 900; age_s *= 1.3)
    EXPECT_NEAR(at_once.factor(row, age_s, 5), in_parts.factor(row, age_s, 5), 1e-4) << age_s;
}

TEST(GapTable, HasACellForWhateverItIsAsked) {
  gap_table gaps;
  const double infinite = std::numeric_limits<double>::infinity();
  for (const double interval_s : {-1.0, 0.0, 1e-9, 0.25, 1e6, 1e12, infinite, std::nan("")})
    for (const double age_s : {0.0, 1e-9, 0.25, 0.5, 1.0, 1e6, 1e12}) {
      const auto row = gap_table::row_of(interval_s);
      gaps.learn(row, age_s, 0, 0.5, false);
      gaps.learn(row, age_s, 10, 0.5, true);
      const double found = gaps.factor(row, age_s, 1);
      EXPECT_TRUE(std::isfinite(found) && found > 0) << interval_s << ' ' << age_s;
    }
}

TEST(GapTable, IsRememberedWhole) {
  gap_table gaps;
  for (int i = 1; i < 500; ++i) gaps.learn(gap_table::row_of(i), i * 3.0, i, 0.001 * i, i % 3 == 0);
  gap_table again;
  gaps.visit([&](gap_table::cell at, const gap_table::counts& one) {
    EXPECT_TRUE(again.remember(at, one));
  });
  for (int i = 1; i < 500; ++i)
    EXPECT_EQ(again.factor(gap_table::row_of(i), i * 3.0, i),
              gaps.factor(gap_table::row_of(i), i * 3.0, i));
  EXPECT_FALSE(again.remember(gap_table::cells, {}));
}

TEST(IntensitySignals, KnowWhatFollowsIntervalsLikeTheLast) {
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

TEST(DepartmentBalance, HasNothingToBalanceInOneDepartment) {
  department_balance balance;
  balance.employ(0);
  balance.active(0);
  for (int i = 0; i < 4; ++i) balance.add(0);
  EXPECT_TRUE(balance.may_prewarm(0, 4));
  EXPECT_FALSE(balance.exhausted(0, 4));
}

TEST(DepartmentBalance, StopsPrewarmingAtHalfAndTasksAtAllButOne) {
  department_balance balance;
  balance.employ(0);
  balance.employ(1);
  balance.active(0);
  balance.active(1);
  balance.add(0);
  EXPECT_TRUE(balance.may_prewarm(0, 4));
  balance.add(0);
  EXPECT_FALSE(balance.may_prewarm(0, 4));
  EXPECT_FALSE(balance.exhausted(0, 4));
  balance.add(0);
  EXPECT_TRUE(balance.exhausted(0, 4));
  EXPECT_FALSE(balance.exhausted(1, 4));
  EXPECT_LT(balance.eviction_weight(0, 4), balance.eviction_weight(1, 4));
}

}  // namespace
}  // namespace greenroom::runtime
