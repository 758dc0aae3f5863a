// What adapts the warm pool: threshold and slots, price, trust in prediction, balance of
// departments.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>

#include "runtime/pooling/department_balance.hpp"
#include "runtime/pooling/prediction_referee.hpp"
#include "runtime/pooling/price_controller.hpp"
#include "runtime/pooling/warm_adaptation.hpp"

namespace greenroom::runtime {
namespace {

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
