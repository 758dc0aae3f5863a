#include "runtime/queueing/file_budget.hpp"

#include <gtest/gtest.h>

namespace greenroom::runtime {
namespace {

constexpr file_needs usual{.own = 60, .workers = 100, .workers_most = 500, .connections = 4096};

TEST(FileBudget, TakesNothingAwayWhileAllFits) {
  const auto found = budget_files(60 + 500 + 4096, usual);
  EXPECT_EQ(found.connections, 4096U);
  EXPECT_TRUE(found.workers_fit);
  EXPECT_EQ(found.wanted, 4656U);
  EXPECT_EQ(scarce_files_warning(4656, usual, found), "");
}

TEST(FileBudget, LowersTheConnectionsByOneWhenOneFileIsMissing) {
  const auto found = budget_files(60 + 500 + 4095, usual);
  EXPECT_EQ(found.connections, 4095U);
  const auto said = scarce_files_warning(4655, usual, found);
  EXPECT_NE(said.find("4655"), std::string::npos) << said;
  EXPECT_NE(said.find("4656"), std::string::npos) << said;
  EXPECT_NE(said.find("limits.connections"), std::string::npos) << said;
}

TEST(FileBudget, LeavesARolloutThatMayNeverComeWithoutItsFiles) {
  const auto found = budget_files(60 + 100 + 250, usual);
  EXPECT_EQ(found.connections, 250U);
  EXPECT_TRUE(found.workers_fit);
}

TEST(FileBudget, SaysWhenNotAllWorkersCanBeUpAndStillLetsAFewIn) {
  const auto found = budget_files(100, usual);
  EXPECT_FALSE(found.workers_fit);
  EXPECT_EQ(found.connections, 8U);
  EXPECT_NE(scarce_files_warning(100, usual, found).find("not all workers"), std::string::npos);
}

TEST(FileBudget, NeverTakesMoreConnectionsThanWereAskedFor) {
  auto few = usual;
  few.connections = 3;
  EXPECT_EQ(budget_files(1'000'000, few).connections, 3U);
  EXPECT_EQ(budget_files(10, few).connections, 3U);
}

}  // namespace
}  // namespace greenroom::runtime
