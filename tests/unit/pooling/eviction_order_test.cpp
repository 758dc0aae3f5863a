#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "runtime/pooling/eviction_order.hpp"

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

}  // namespace
}  // namespace greenroom::runtime
