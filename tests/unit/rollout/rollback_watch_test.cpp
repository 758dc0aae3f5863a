#include "runtime/rollout/rollback_watch.hpp"

#include "tests/unit/rollout/plan_rig.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

using namespace greenroom::runtime::rollout;
using greenroom::runtime::monitoring::pool_sample;

namespace {

pool_sample good(double at_s) {
  pool_sample out;
  out.at_s = at_s;
  out.tasks = 100;
  out.error_rate = 0.01;
  out.success_rate = 0.99;
  out.response_ratio = 1.2;
  out.memory_use = 0.5;
  out.memory_efficiency = 0.8;
  out.health = 0.95;
  out.worker_memory_ratio = 1.0;
  return out;
}

struct each_trigger {
  trigger what;
  std::function<void(pool_sample&)> bad;
  std::function<void(pool_sample&)> at_threshold;
};

std::vector<each_trigger> watched() {
  return {
      {trigger::error_rate, [](auto& s) { s.error_rate = std::nextafter(0.10, 1); },
       [](auto& s) { s.error_rate = 0.10; }},
      {trigger::response_time, [](auto& s) { s.response_ratio = std::nextafter(3.0, 9); },
       [](auto& s) { s.response_ratio = 3.0; }},
      {trigger::memory_use, [](auto& s) { s.memory_use = std::nextafter(0.90, 1); },
       [](auto& s) { s.memory_use = 0.90; }},
      {trigger::memory_efficiency, [](auto& s) { s.memory_efficiency = std::nextafter(0.2, 0); },
       [](auto& s) { s.memory_efficiency = 0.20; }},
      {trigger::health, [](auto& s) { s.health = std::nextafter(0.60, 0); },
       [](auto& s) { s.health = 0.60; }},
      {trigger::success_rate, [](auto& s) { s.success_rate = std::nextafter(0.80, 0); },
       [](auto& s) { s.success_rate = 0.80; }},
      {trigger::worker_memory, [](auto& s) { s.worker_memory_ratio = std::nextafter(1.5, 9); },
       [](auto& s) { s.worker_memory_ratio = 1.5; }},
  };
}

}  // namespace

TEST(RollbackWatch, TripsOnEveryTriggerExactlyWhenItsGraceHasPassed) {
  for (const auto& each : watched()) {
    rollback_watch watch;
    watch.arm(t0);
    auto sample = good(t0 + 15);
    each.bad(sample);
    EXPECT_FALSE(watch.observe(sample, {})) << name_of(each.what);
    sample.at_s = t0 + 15 + 29.999;
    EXPECT_FALSE(watch.observe(sample, {})) << name_of(each.what);
    sample.at_s = t0 + 15 + 30;
    const auto found = watch.observe(sample, {});
    ASSERT_TRUE(found) << name_of(each.what);
    EXPECT_EQ(found->cause, each.what);
    EXPECT_DOUBLE_EQ(found->since_s, t0 + 15);
    EXPECT_FALSE(found->text.empty());
  }
}

TEST(RollbackWatch, NeverTripsAtTheThresholdItself) {
  for (const auto& each : watched()) {
    rollback_watch watch;
    watch.arm(t0);
    for (double at = t0; at < t0 + 600; at += 15) {
      auto sample = good(at);
      each.at_threshold(sample);
      EXPECT_FALSE(watch.observe(sample, {})) << name_of(each.what);
    }
  }
}

TEST(RollbackWatch, BeginsTheGraceAnewAfterOneGoodSample) {
  rollback_watch watch;
  watch.arm(t0);
  auto bad = good(t0);
  bad.error_rate = 0.5;
  EXPECT_FALSE(watch.observe(bad, {}));
  EXPECT_FALSE(watch.observe(good(t0 + 15), {}));
  bad.at_s = t0 + 30;
  EXPECT_FALSE(watch.observe(bad, {}));
  bad.at_s = t0 + 59;
  EXPECT_FALSE(watch.observe(bad, {}));
  bad.at_s = t0 + 60;
  EXPECT_TRUE(watch.observe(bad, {}));
}

TEST(RollbackWatch, TripsWhenACriticalAlertHasStoodForMoreThanItsLimit) {
  rollback_watch watch;
  watch.arm(t0);
  EXPECT_FALSE(watch.observe(good(t0 + 120), t0));
  const auto found = watch.observe(good(t0 + 120.001), t0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->cause, trigger::critical_alerts);
}

TEST(RollbackWatch, IgnoresRatesOfTooFewTasks) {
  rollback_watch watch;
  watch.arm(t0);
  for (double at = t0; at < t0 + 300; at += 15) {
    auto sample = good(at);
    sample.tasks = 9;
    sample.error_rate = 1;
    sample.success_rate = 0;
    sample.response_ratio = 100;
    EXPECT_FALSE(watch.observe(sample, {}));
  }
  auto sample = good(t0 + 300);
  sample.tasks = 10;
  sample.error_rate = 1;
  EXPECT_FALSE(watch.observe(sample, {}));
  sample.at_s = t0 + 330;
  EXPECT_TRUE(watch.observe(sample, {}));
}

TEST(RollbackWatch, TakesAnAbsentValueForNeitherGoodNorBadWithinAGrace) {
  rollback_watch watch;
  watch.arm(t0);
  auto bad = good(t0);
  bad.error_rate = 0.5;
  auto absent = good(t0 + 15);
  absent.error_rate.reset();
  EXPECT_FALSE(watch.observe(bad, {}));
  EXPECT_FALSE(watch.observe(absent, {}));
  bad.at_s = t0 + 30;
  EXPECT_TRUE(watch.observe(bad, {})) << "nothing said otherwise since";

  watch.arm(t0 + 100);
  bad.at_s = t0 + 100;
  watch.observe(bad, {});
  absent.at_s = t0 + 110;
  watch.observe(absent, {});
  absent.at_s = t0 + 140;
  watch.observe(absent, {});
  bad.at_s = t0 + 141;
  EXPECT_FALSE(watch.observe(bad, {})) << "too long unseen: the grace begins anew";
}

TEST(RollbackWatch, IsSilentUnlessArmedAndAfterItHasTripped) {
  rollback_watch watch;
  auto bad = good(t0);
  bad.health = 0;
  for (double at = t0; at < t0 + 300; at += 15) {
    bad.at_s = at;
    EXPECT_FALSE(watch.observe(bad, t0 - 1000));
  }
  watch.arm(t0 + 300);
  int tripped_times = 0;
  for (double at = t0 + 300; at < t0 + 900; at += 15) {
    bad.at_s = at;
    tripped_times += watch.observe(bad, {}).has_value();
  }
  EXPECT_EQ(tripped_times, 1);
  EXPECT_FALSE(watch.armed());
  watch.arm(t0 + 900);
  bad.at_s = t0 + 915;
  EXPECT_FALSE(watch.observe(bad, {})) << "and begins with a full grace when it is armed again";
}

TEST(RollbackWatch, TripsIfAndOnlyIfSomeTriggerHeldForAWholeGrace) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 engine{seed};
    rollback_watch watch;
    watch.arm(t0);
    double since = -1;
    double at = t0;
    for (int i = 0; i < 60; ++i) {
      at += 5 + static_cast<double>(engine() % 20);
      auto sample = good(at);
      const bool bad = engine() % 3 != 0;
      if (bad) sample.memory_use = 0.95;
      since = bad ? (since < 0 ? at : since) : -1;
      const bool expected = since >= 0 && at - since >= 30;
      ASSERT_EQ(watch.observe(sample, {}).has_value(), expected) << "seed " << seed;
      if (expected) break;
    }
  }
}

TEST(RollbackWatch, NamesEveryTriggerAndFindsItAgain) {
  for (const auto each : {trigger::error_rate, trigger::response_time, trigger::memory_use,
                          trigger::memory_efficiency, trigger::health, trigger::critical_alerts,
                          trigger::success_rate, trigger::judge, trigger::by_hand}) {
    EXPECT_EQ(trigger_named(name_of(each)), each);
  }
  EXPECT_FALSE(trigger_named("mood"));
}
