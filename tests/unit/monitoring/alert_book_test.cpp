#include "runtime/monitoring/alert_book.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

using namespace greenroom::runtime::monitoring;

namespace {

alert_rule hot() {
  return {"hot", severity::critical, metric::memory_use, side::above, 0.90, 0.87, 15, 60, 0, "hot"};
}

pool_sample at(double now_s, std::optional<double> memory) {
  pool_sample sample;
  sample.at_s = now_s;
  sample.memory_use = memory;
  return sample;
}

const alert_rule& rule(const std::vector<alert_rule>& rules, std::string_view name) {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const auto& each) { return each.name == name; });
  EXPECT_NE(found, rules.end()) << name;
  return *found;
}

std::size_t firing_count(const alert_book& book, severity level) {
  const auto firing = book.firing();
  return static_cast<std::size_t>(
      std::ranges::count_if(firing, [&](const alert& one) { return one.level == level; }));
}

}  // namespace

TEST(AlertRules, HaveEveryThresholdOfTheProductOnBothSides) {
  const auto rules = default_alert_rules();
  struct expected {
    const char* name;
    severity level;
    metric what;
    side when;
    double threshold;
  };
  using enum metric;
  const expected all[] = {
      {"memory-critical", severity::critical, memory_use, side::above, 0.90},
      {"error-rate-critical", severity::critical, error_rate, side::above, 0.10},
      {"queue-depth-critical", severity::critical, queue_depth, side::above, 25},
      {"response-time-critical", severity::critical, response_mean_ms, side::above, 5000},
      {"memory-warning", severity::warning, memory_use, side::above, 0.80},
      {"error-rate-warning", severity::warning, error_rate, side::above, 0.05},
      {"warm-hit-rate-warning", severity::warning, warm_hit_rate, side::below, 0.40},
      {"response-time-warning", severity::warning, response_mean_ms, side::above, 2500},
      {"prediction-accuracy-warning", severity::warning, prediction_accuracy, side::below, 0.50},
      {"cold-start-rate-warning", severity::warning, cold_start_rate, side::above, 0.30},
      {"queue-depth-warning", severity::warning, queue_depth, side::above, 20},
      {"prediction-accuracy-low", severity::info, prediction_accuracy, side::below, 0.60},
      {"response-time-high", severity::info, response_mean_ms, side::above, 2000},
      {"memory-efficiency-high", severity::info, memory_efficiency, side::above, 0.80},
  };
  for (const auto& each : all) {
    const auto& found = rule(rules, each.name);
    EXPECT_EQ(found.level, each.level) << each.name;
    EXPECT_EQ(found.what, each.what) << each.name;
    EXPECT_EQ(found.when, each.when) << each.name;
    EXPECT_DOUBLE_EQ(found.threshold, each.threshold) << each.name;
    EXPECT_FALSE(found.breached(each.threshold)) << each.name << ": at the threshold all is well";
    const double beyond = each.when == side::above ? 1e300 : -1e300;
    EXPECT_TRUE(found.breached(std::nextafter(each.threshold, beyond))) << each.name;
    EXPECT_FALSE(found.clear(each.threshold)) << each.name << ": clearing takes more than that";
    EXPECT_TRUE(found.clear(found.clear_at)) << each.name;
    EXPECT_FALSE(found.clear(std::nextafter(found.clear_at, beyond))) << each.name;
  }
  for (const auto name :
       {rollback_triggered, workflow_detected, self_tuning_adjustment, task_stuck}) {
    EXPECT_FALSE(rule(rules, name).what) << name;
  }
  EXPECT_EQ(rule(rules, rollback_triggered).level, severity::critical);
  EXPECT_EQ(rule(rules, workflow_detected).level, severity::info);
  std::set<std::string> names;
  for (const auto& each : rules) EXPECT_TRUE(names.insert(each.name).second) << each.name;
}

TEST(AlertBook, FiresExactlyWhenTheBreachHasLastedItsHold) {
  alert_book book{"node", {hot()}};
  EXPECT_TRUE(book.observe(at(100, 0.95)).empty());
  EXPECT_EQ(book.pending().size(), 1u);
  EXPECT_TRUE(book.observe(at(114.999, 0.95)).empty());
  const auto changes = book.observe(at(115, 0.95));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].now.state, alert_state::firing);
  EXPECT_EQ(changes[0].now.subject, "node");
  EXPECT_DOUBLE_EQ(changes[0].now.pending_since_s, 100);
  EXPECT_DOUBLE_EQ(changes[0].now.firing_since_s, 115);
  EXPECT_EQ(firing_count(book, severity::critical), 1u);
  EXPECT_EQ(firing_count(book, severity::warning), 0u);
}

TEST(AlertBook, ForgetsAPendingAlertAtTheFirstSampleWithinTheThreshold) {
  alert_book book{"node", {hot()}};
  book.observe(at(100, 0.95));
  EXPECT_TRUE(book.observe(at(110, 0.90)).empty());
  EXPECT_TRUE(book.pending().empty());
  book.observe(at(116, 0.95));
  EXPECT_TRUE(book.firing().empty()) << "the hold begins again";
  EXPECT_TRUE(book.history().empty()) << "what never fired leaves no trace";
}

TEST(AlertBook, ResolvesExactlyWhenItHasBeenClearForItsKeep) {
  alert_book book{"node", {hot()}};
  book.observe(at(0, 0.95));
  book.observe(at(15, 0.97));
  EXPECT_TRUE(book.observe(at(30, 0.87)).empty());
  EXPECT_TRUE(book.observe(at(89.999, 0.5)).empty());
  const auto changes = book.observe(at(90, 0.5));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].now.state, alert_state::resolved);
  EXPECT_DOUBLE_EQ(changes[0].now.resolved_at_s, 90);
  EXPECT_DOUBLE_EQ(changes[0].now.worst, 0.97);
  EXPECT_TRUE(book.firing().empty());
  ASSERT_EQ(book.history().size(), 1u);
}

TEST(AlertBook, KeepsFiringBetweenTheThresholdAndTheClearLevel) {
  alert_book book{"node", {hot()}};
  book.observe(at(0, 0.95));
  book.observe(at(15, 0.95));
  for (double now = 30; now < 3600; now += 15) {
    EXPECT_TRUE(book.observe(at(now, 0.88)).empty());
  }
  EXPECT_EQ(book.firing().size(), 1u);
}

// The edge case, sample by sample: memory hovers about the threshold of 90 % and crosses it again
// and again before it goes down for good. One incident, so: one alert.
TEST(AlertBook, MakesOneAlertOfASeriesThatCrossesTheThresholdTenTimes) {
  const double hovering[] = {0.861, 0.884, 0.893, 0.902, 0.899, 0.904, 0.911, 0.897,
                             0.908, 0.893, 0.901, 0.889, 0.906, 0.895, 0.903, 0.891,
                             0.912, 0.899, 0.905, 0.882, 0.869, 0.884, 0.901, 0.898,
                             0.903, 0.874, 0.866, 0.861, 0.859, 0.863, 0.858, 0.852};
  alert_book book{"node", {hot()}};
  int crossings = 0, fired = 0, resolved = 0;
  double now = 1000;
  double last = 0;
  for (const double value : hovering) {
    if (value > 0.90 && last <= 0.90) ++crossings;
    last = value;
    for (const auto& each : book.observe(at(now, value))) {
      fired += each.now.state == alert_state::firing;
      resolved += each.now.state == alert_state::resolved;
    }
    now += 15;
  }
  EXPECT_EQ(crossings, 10);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(resolved, 1);
  EXPECT_TRUE(book.firing().empty());
}

TEST(AlertBook, HoldsItsJudgementWhileAValueIsAbsentAndGivesUpAfterTheLimit) {
  alert_book book{"node", {hot()}, 16, 300};
  book.observe(at(0, 0.95));
  book.observe(at(15, 0.95));
  EXPECT_TRUE(book.observe(at(30, std::nullopt)).empty());
  EXPECT_TRUE(book.observe(at(329.9, std::nullopt)).empty());
  EXPECT_EQ(book.observe(at(330, std::nullopt)).size(), 1u);
  EXPECT_TRUE(book.firing().empty());
}

TEST(AlertBook, JudgesARateOnlyOnEnoughTasks) {
  alert_book book{"node", default_alert_rules()};
  pool_sample sample;
  sample.error_rate = 1.0;
  sample.tasks = 9;
  for (sample.at_s = 0; sample.at_s < 300; sample.at_s += 15) book.observe(sample);
  EXPECT_EQ(firing_count(book, severity::critical), 0u);
  sample.tasks = 10;
  book.observe(sample);
  sample.at_s += 15;
  book.observe(sample);
  EXPECT_EQ(firing_count(book, severity::critical), 1u);
}

TEST(AlertBook, FiresAnEventAtOnceAndLetsItPassAfterTheLastOne) {
  alert_book book{"node"};
  auto changes = book.raise(workflow_detected, "ML_PIPELINE", 100);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].now.text, "ML_PIPELINE");
  EXPECT_TRUE(book.raise(workflow_detected, "MOBILE_APP", 130).empty());
  ASSERT_EQ(book.firing().size(), 1u);
  EXPECT_EQ(book.firing()[0].events, 2u);
  EXPECT_TRUE(book.observe(at(189.9, 0.1)).empty());
  EXPECT_EQ(book.observe(at(190, 0.1)).size(), 1u);
}

TEST(AlertBook, KeepsTheRollbackAlertUntilItIsSettled) {
  alert_book book{"node"};
  book.raise(rollback_triggered, "error rate", 100);
  for (double now = 100; now < 10000; now += 500) EXPECT_TRUE(book.observe(at(now, 0.1)).empty());
  EXPECT_EQ(firing_count(book, severity::critical), 1u);
  EXPECT_EQ(book.settle(rollback_triggered, 10001).size(), 1u);
  EXPECT_TRUE(book.settle(rollback_triggered, 10002).empty());
  EXPECT_TRUE(book.firing().empty());
}

TEST(AlertBook, BoundsItsHistoryAndKeepsTheNewest) {
  alert_book book{"node", default_alert_rules(), 3};
  for (int i = 0; i < 10; ++i) {
    book.raise(self_tuning_adjustment, std::to_string(i), i * 10);
    book.settle(self_tuning_adjustment, i * 10 + 1);
  }
  ASSERT_EQ(book.history().size(), 3u);
  EXPECT_EQ(book.history()[0].text, "9");
  EXPECT_EQ(book.history()[2].text, "7");
}

TEST(AlertBook, PutsTheSeverestFirst) {
  alert_book book{"node"};
  book.raise(workflow_detected, "w", 10);
  book.raise(rollback_triggered, "r", 20);
  ASSERT_EQ(book.firing().size(), 2u);
  EXPECT_EQ(book.firing()[0].rule, rollback_triggered);
}

TEST(AlertBook, NeverHasTwoAlertsOfOneRuleAndEveryChangeFollowsTheLifeCycle) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 engine{seed};
    alert_book book{"node", default_alert_rules(), 64};
    std::map<std::string, alert_state> known;
    double now = 1e9, level = 0.85;
    for (int i = 0; i < 400; ++i) {
      now += 15;
      level = std::clamp(level + std::normal_distribution<double>{0, 0.02}(engine), 0.5, 1.0);
      auto sample = at(now, level);
      sample.tasks = 50;
      sample.error_rate = (level - 0.5) / 3;
      if (engine() % 9 == 0) sample.error_rate.reset();
      std::map<std::string, double> changed;
      for (const auto& each : book.observe(sample)) {
        const auto before = known.find(each.now.rule);
        const bool alive = before != known.end() && before->second == alert_state::firing;
        ASSERT_EQ(each.now.state, alive ? alert_state::resolved : alert_state::firing) << seed;
        known[each.now.rule] = each.now.state;
        if (each.now.state == alert_state::resolved) {
          ASSERT_GE(each.now.resolved_at_s - each.now.firing_since_s, 60) << seed;
        }
      }
      std::set<std::string> firing;
      for (const auto& each : book.firing()) ASSERT_TRUE(firing.insert(each.rule).second) << seed;
    }
  }
}
