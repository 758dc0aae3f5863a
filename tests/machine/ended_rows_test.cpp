// The bits behind the journal's books, against a list that is as plain as can be.
#include "runtime/machine/journal/ended_rows.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace greenroom::machine::testing {
namespace {

TEST(EndedRows, AreThoseOfAPlainList) {
  constexpr std::uint32_t seed = 20261130;
  std::mt19937 random{seed};
  for (const std::size_t first : {0U, 1U, 63U, 64U, 65U, 1000U}) {
    ended_rows rows;
    std::deque<bool> plain(first, true);
    rows.assign(first);
    for (std::size_t i = 0; i < first; i += 7) {
      rows.set(i, false);
      plain[i] = false;
    }
    for (int step = 0; step < 2000; ++step) {
      plain.resize(plain.size() + random() % 5, false);
      rows.grow(plain.size());
      for (int ends = 0; ends < 6 && !plain.empty(); ++ends) {
        // Mostly the old ones, so that the front moves.
        const auto row = random() % std::min<std::size_t>(plain.size(), 1 + random() % 200);
        plain[row] = true;
        rows.set(row, true);
      }
      std::size_t gone = 0;
      for (; !plain.empty() && plain.front(); ++gone) plain.pop_front();
      ASSERT_EQ(rows.drop_ended(), gone) << "first " << first << ", step " << step;
      ASSERT_EQ(rows.size(), plain.size());
    }
  }
}

TEST(EndedRows, ThatWereAllEndedAreDroppedAtOnce) {
  ended_rows rows;
  rows.assign(130);
  EXPECT_EQ(rows.drop_ended(), 130U);
  EXPECT_EQ(rows.drop_ended(), 0U);
  rows.grow(2);
  EXPECT_EQ(rows.drop_ended(), 0U) << "new ones have not ended";
}

}  // namespace
}  // namespace greenroom::machine::testing
