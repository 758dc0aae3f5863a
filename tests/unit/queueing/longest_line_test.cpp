#include "runtime/queueing/longest_line.hpp"

#include <gtest/gtest.h>

namespace greenroom::tests {
namespace {

using runtime::longest_lines, runtime::trace;

trace burst_of(std::size_t count, double duration_s) {
  trace traffic;
  traffic.specialists = {"one"};
  for (std::size_t i = 0; i < count; ++i) traffic.requests.push_back({1.0, duration_s, 0, 0});
  return traffic;
}

TEST(LongestLine, CountsThoseWhoWaitAndNotThoseWhoAreServed) {
  EXPECT_EQ(longest_lines(burst_of(10, 1), {1}).front(), 9u);
  EXPECT_EQ(longest_lines(burst_of(10, 1), {4}).front(), 6u);
  EXPECT_EQ(longest_lines(burst_of(10, 1), {10}).front(), 0u);
  EXPECT_EQ(longest_lines(burst_of(10, 0), {1}).front(), 0u);
}

TEST(LongestLine, ShrinksAsTasksStart) {
  trace traffic;
  traffic.specialists = {"one", "other"};
  // Served from 0, 2, 4 and 6: at most one waits at a time, two after the fourth.
  for (const double at_s : {0.0, 1.0, 3.0, 3.5}) traffic.requests.push_back({at_s, 2, 0, 0});
  traffic.requests.push_back({3.6, 5, 0, 1});
  const auto lines = longest_lines(traffic, {1, 1});
  EXPECT_EQ(lines[0], 2u);
  EXPECT_EQ(lines[1], 0u);
}

}  // namespace
}  // namespace greenroom::tests
