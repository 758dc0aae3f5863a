#include "runtime/load/office_day.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace greenroom::runtime::load {
namespace {

office_cast a_cast() {
  office_cast cast;
  for (std::size_t department = 0; department < 12; ++department)
    for (std::size_t member = 0; member < 5; ++member) {
      std::string name = "d";
      name.append(std::to_string(department)).append("-").append(std::to_string(member));
      cast.names.push_back(name);
      cast.department.push_back(department);
    }
  cast.workflows = {{1, 7, 22, 41}, {3, 50, 9}};
  return cast;
}

TEST(OfficeActivity, IsLowAtNightAndDipsAtLunch) {
  EXPECT_LT(office_activity(3), 0.02 * office_activity(11));
  EXPECT_LT(office_activity(12.5), 0.75 * office_activity(11));
  EXPECT_LT(office_activity(12.5), 0.75 * office_activity(15));
  EXPECT_NEAR(office_activity(23.999), office_activity(0), 0.001);
}

TEST(OfficeDay, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const auto cast = a_cast();
  const auto day = make_office_day(cast, {.seed = 4});
  const auto again = make_office_day(cast, {.seed = 4});
  ASSERT_EQ(day.size(), again.size());
  for (std::size_t at = 0; at < day.size(); ++at) {
    EXPECT_EQ(day[at].time_s, again[at].time_s);
    EXPECT_EQ(day[at].who, again[at].who);
    EXPECT_EQ(day[at].session, again[at].session);
    EXPECT_EQ(day[at].query, again[at].query);
  }
  const auto other = make_office_day(cast, {.seed = 5});
  EXPECT_TRUE(other.size() != day.size() || other.front().who != day.front().who);
}

TEST(OfficeDay, IsInOrderAndWithinTheHoursAskedFor) {
  const auto cast = a_cast();
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto day = make_office_day(cast, {.seed = seed, .from_hour = 6, .to_hour = 22});
    ASSERT_FALSE(day.empty());
    double last = 6 * 3600;
    for (const auto& one : day) {
      EXPECT_GE(one.time_s, last);
      EXPECT_LT(one.time_s, 22 * 3600);
      EXPECT_LT(one.who, cast.names.size());
      last = one.time_s;
    }
  }
}

TEST(OfficeDay, HasAboutAsManyTasksAsItsHabitsSay) {
  const office_habits habits{
      .seed = 2, .users = 200, .workflow_share = 0, .bursts = 0, .timers = 0};
  const auto day = make_office_day(a_cast(), habits);
  EXPECT_NEAR(static_cast<double>(day.size()), 200 * 7 * 8, 200 * 7 * 8 * 0.12);
}

TEST(OfficeDay, IsSkewedTowardsAFew) {
  std::map<std::size_t, std::size_t> counts;
  const auto day = make_office_day(a_cast(), {.seed = 3});
  for (const auto& one : day) ++counts[one.who];
  std::vector<std::size_t> sorted;
  for (const auto& [who, count] : counts) sorted.push_back(count);
  std::sort(sorted.rbegin(), sorted.rend());
  std::size_t top = 0;
  for (std::size_t at = 0; at < 12 && at < sorted.size(); ++at) top += sorted[at];
  // A fifth of the cast does more than half of the work.
  EXPECT_GT(static_cast<double>(top), 0.5 * static_cast<double>(day.size()));
}

TEST(OfficeDay, LetsSessionsFollowWorkflowsInOrder) {
  const office_habits habits{
      .seed = 9, .workflow_share = 1, .again_share = 0, .slip_share = 0, .bursts = 0, .timers = 0};
  const auto cast = a_cast();
  std::map<std::string, std::vector<std::size_t>> sessions;
  for (const auto& one : make_office_day(cast, habits)) sessions[one.session].push_back(one.who);
  ASSERT_FALSE(sessions.empty());
  std::size_t whole = 0;
  for (const auto& [name, steps] : sessions) {
    // Those that midnight cut off are beginnings of a workflow.
    const bool begins = std::any_of(
        cast.workflows.begin(), cast.workflows.end(), [&taken = steps](const auto& workflow) {
          return taken.size() <= workflow.size()
                 && std::equal(taken.begin(), taken.end(), workflow.begin());
        });
    EXPECT_TRUE(begins) << name;
    if (steps == cast.workflows[0] || steps == cast.workflows[1]) ++whole;
  }
  EXPECT_GT(whole * 10, sessions.size() * 9);
}

TEST(OfficeDay, BringsACrowdOnOneWorkflowInEachBurst) {
  const office_habits habits{.seed = 1, .users = 0, .bursts = 1, .timers = 0};
  std::set<std::string> people;
  double first = 1e9;
  double last = 0;
  for (const auto& one : make_office_day(a_cast(), habits)) {
    if (people.insert(one.session).second) {
      first = std::min(first, one.time_s);
      last = std::max(last, one.time_s);
    }
  }
  EXPECT_GT(people.size(), 10U);
  EXPECT_LT(last - first, 600);
}

}  // namespace
}  // namespace greenroom::runtime::load
