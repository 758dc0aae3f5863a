#include "runtime/chaos/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace greenroom::runtime::chaos {
namespace {

shape cast_of(std::uint32_t specialists, std::uint32_t departments) {
  shape result;
  for (std::uint32_t i = 0; i < specialists; ++i) {
    result.department.push_back(i % departments);
    result.is_process.push_back(true);
    result.is_cloud.push_back(false);
  }
  result.departments = departments;
  return result;
}

rule every(fault_kind what, double every_s, double until_s, double for_s = 0) {
  rule one;
  one.what = what;
  one.every_s = every_s;
  one.until_s = until_s;
  one.for_s = for_s;
  return one;
}

TEST(ChaosSchedule, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const std::vector<rule> rules{every(fault_kind::kill_worker, 0.7, 20),
                                every(fault_kind::freeze_worker, 3, 20, 1),
                                every(fault_kind::kill_actor, 1.6, 20)};
  const auto cast = cast_of(16, 5);
  EXPECT_EQ(make_schedule(rules, cast, 7), make_schedule(rules, cast, 7));
  EXPECT_NE(make_schedule(rules, cast, 7), make_schedule(rules, cast, 8));
}

TEST(ChaosSchedule, HasOneFaultInEachIntervalAndNoneAfterTheEnd) {
  auto one = every(fault_kind::kill_worker, 2, 21);
  one.from_s = 1;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto made = make_schedule({one}, cast_of(4, 2), seed);
    ASSERT_EQ(made.size(), 10U) << seed;
    for (std::size_t i = 0; i < made.size(); ++i) {
      EXPECT_GE(made[i].at_s, 1 + 2.0 * static_cast<double>(i)) << seed;
      EXPECT_LT(made[i].at_s, 3 + 2.0 * static_cast<double>(i)) << seed;
      EXPECT_EQ(made[i].number, i + 1);
    }
  }
}

TEST(ChaosSchedule, LetsNoLeaseGoOnAfterItsRuleIsOver) {
  std::size_t made = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed)
    for (const auto& one :
         make_schedule({every(fault_kind::cut_worker, 3, 30, 2.5)}, cast_of(6, 2), seed)) {
      EXPECT_LE(one.at_s + one.for_s, 30 + 1e-9) << seed;
      ++made;
    }
  EXPECT_GE(made, 200U * 9) << "one in each interval but the last, which may have no room";
}

TEST(ChaosSchedule, GivesNobodyASecondLeaseWhileHeHasOne) {
  const std::vector<rule> rules{every(fault_kind::slow_worker, 0.5, 30, 2),
                                every(fault_kind::swell_worker, 0.7, 30, 3)};
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto made = make_schedule(rules, cast_of(3, 1), seed);
    EXPECT_FALSE(made.empty());
    for (std::size_t i = 0; i < made.size(); ++i)
      for (std::size_t j = i + 1; j < made.size(); ++j)
        if (made[i].target == made[j].target) {
          EXPECT_GE(made[j].at_s, made[i].at_s + made[i].for_s) << "seed " << seed;
        }
  }
}

TEST(ChaosSchedule, HasOneCloudAndOneBudget) {
  auto cast = cast_of(4, 1);
  cast.is_cloud = {true, true, false, false};
  for (const auto kind : {fault_kind::cloud_down, fault_kind::lower_budget}) {
    const auto made = make_schedule({every(kind, 1, 60, 5)}, cast, 3);
    for (std::size_t i = 1; i < made.size(); ++i)
      EXPECT_GE(made[i].at_s, made[i - 1].at_s + made[i - 1].for_s) << to_string(kind);
  }
  for (const auto& one : make_schedule({every(fault_kind::cloud_down, 1, 60, 0.2)}, cast, 3))
    EXPECT_LT(one.target, 2U) << "only those behind the wire to the cloud";
}

TEST(ChaosSchedule, KillsEveryKindOfActorBeforeAnyTwice) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto made = make_schedule(
        {every(fault_kind::kill_actor, 1, static_cast<double>(role_count))}, cast_of(4, 2), seed);
    std::set<role> seen;
    for (const auto& one : made) seen.insert(one.who);
    EXPECT_EQ(seen.size(), role_count) << seed;
  }
  auto some = every(fault_kind::kill_actor, 1, 40);
  some.roles = {role::dispatcher, role::journal};
  for (const auto& one : make_schedule({some}, cast_of(4, 2), 1))
    EXPECT_TRUE(one.who == role::dispatcher || one.who == role::journal);
}

TEST(ChaosSchedule, TouchesOnlyThoseWhoAreNamed) {
  auto one = every(fault_kind::kill_worker, 1, 30);
  one.only = {2, 5};
  for (const auto& each : make_schedule({one}, cast_of(8, 2), 9)) {
    EXPECT_TRUE(each.target == 2 || each.target == 5);
    EXPECT_TRUE(each.exactly);
  }
  auto cast = cast_of(8, 2);
  cast.is_process[2] = cast.is_process[5] = false;
  EXPECT_TRUE(make_schedule({one}, cast, 9).empty()) << "they have no process that could be killed";
}

TEST(ChaosSchedule, DoesNotChangeARuleWhenAnotherOneComesBehindIt) {
  const auto first = every(fault_kind::kill_worker, 1, 20);
  auto alone = make_schedule({first}, cast_of(8, 2), 4);
  auto both = make_schedule({first, every(fault_kind::kill_actor, 1, 20)}, cast_of(8, 2), 4);
  std::erase_if(both, [](const fault& one) { return one.what != fault_kind::kill_worker; });
  ASSERT_EQ(alone.size(), both.size());
  for (std::size_t i = 0; i < alone.size(); ++i) {
    EXPECT_EQ(alone[i].at_s, both[i].at_s);
    EXPECT_EQ(alone[i].target, both[i].target);
  }
}

TEST(ChaosSchedule, CascadesThroughDepartmentsAndThenKillsTheHelpers) {
  rule one;
  one.what = fault_kind::cascade;
  one.from_s = 5;
  one.count = 3;
  one.step_s = 0.3;
  const auto made = make_schedule({one}, cast_of(12, 4), 2);
  std::set<double> waves;
  std::set<std::uint32_t> departments;
  std::size_t workers = 0;
  const auto cast = cast_of(12, 4);
  for (const auto& each : made) {
    EXPECT_TRUE(each.of_cascade);
    if (each.what != fault_kind::kill_worker) continue;
    ++workers;
    waves.insert(each.at_s);
    departments.insert(cast.department[each.target]);
  }
  EXPECT_EQ(workers, 9U) << "three departments of three";
  EXPECT_EQ(waves.size(), 3U);
  EXPECT_EQ(departments.size(), 3U);
  ASSERT_GE(made.size(), 2U);
  EXPECT_EQ(made[made.size() - 2].who, role::director);
  EXPECT_EQ(made.back().who, role::dispatcher);
  EXPECT_GT(made.back().at_s, *waves.rbegin());
}

TEST(ChaosSchedule, CannotCascadeThroughMoreDepartmentsThanThereAre) {
  rule one;
  one.what = fault_kind::cascade;
  one.count = 9;
  one.step_s = 0.1;
  const auto made = make_schedule({one}, cast_of(4, 2), 1);
  EXPECT_EQ(std::ranges::count(made, fault_kind::kill_worker, &fault::what), 4);
}

}  // namespace
}  // namespace greenroom::runtime::chaos
