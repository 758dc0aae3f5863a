#include "runtime/prediction/frequent_chains.hpp"

#include <gtest/gtest.h>

#include <random>

namespace greenroom::tests {
namespace {

using runtime::cases_with, runtime::frequent_chains, runtime::trace;

void add_session(trace& traffic, std::uint64_t key, const std::vector<std::uint32_t>& calls) {
  for (const auto who : calls)
    traffic.requests.push_back({static_cast<double>(traffic.requests.size()), 0, key, who});
}

trace of_specialists(std::size_t count) {
  trace traffic;
  for (std::size_t i = 0; i < count; ++i) traffic.specialists.push_back("s" + std::to_string(i));
  return traffic;
}

TEST(FrequentChains, FindsTheWholeChainAmongNoise) {
  auto traffic = of_specialists(100);
  std::mt19937 chance{7};
  for (std::uint64_t key = 1; key <= 40; ++key) {
    std::vector<std::uint32_t> calls{static_cast<std::uint32_t>(5 + chance() % 95)};
    // Three sessions of four go through 0, 1, 2, 3; a repeated call changes nothing.
    if (key % 4 != 0) calls.insert(calls.end(), {0, 1, 1, 2, 3});
    calls.push_back(static_cast<std::uint32_t>(5 + chance() % 95));
    add_session(traffic, key, calls);
  }
  const auto found = frequent_chains(traffic);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].steps, (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(found[0].cases, 30u);
  EXPECT_DOUBLE_EQ(found[0].certainty, 1);
}

TEST(FrequentChains, FindsNothingInCallsWithoutOrderOrWithoutSessions) {
  auto traffic = of_specialists(10);
  std::mt19937 chance{3};
  for (std::uint64_t key = 1; key <= 200; ++key)
    for (int i = 0; i < 5; ++i)
      add_session(traffic, key, {static_cast<std::uint32_t>(chance() % 10)});
  EXPECT_TRUE(frequent_chains(traffic).empty());
  auto nobody = of_specialists(3);
  for (int i = 0; i < 100; ++i) add_session(nobody, 0, {0, 1, 2});
  EXPECT_TRUE(frequent_chains(nobody).empty());
}

TEST(FrequentChains, CountsTheSessionsThatWentThroughAWorkflow) {
  auto traffic = of_specialists(4);
  add_session(traffic, 1, {0, 3, 1, 2});
  add_session(traffic, 2, {0, 2, 1});
  add_session(traffic, 3, {0, 1, 2, 0, 1, 2});
  EXPECT_EQ(cases_with(traffic, {0, 1, 2}), 2u);
  EXPECT_EQ(cases_with(traffic, {}), 0u);
}

}  // namespace
}  // namespace greenroom::tests
