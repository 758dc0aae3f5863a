// The last lines of workers: kept only for specialists in the cast.
#include "actors/tasks/worker_lines.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace greenroom::actors {
namespace {

TEST(WorkerLines, ForgetsThoseThatAReloadHasTakenOut) {
  actors::worker_lines lines;
  lines.add("here", "one", 1);
  lines.add("gone", "two", 2);
  lines.keep([](std::string_view name) { return name == "here"; });
  ASSERT_EQ(lines.of("here", 0, 10).size(), 1U);
  EXPECT_TRUE(lines.of("gone", 0, 10).empty());
  // The worker of a removed specialist may still run for a while.
  lines.add("gone", "three", 3);
  EXPECT_EQ(lines.of("gone", 0, 10).size(), 1U);
}

}  // namespace
}  // namespace greenroom::actors
