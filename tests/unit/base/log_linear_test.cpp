// Each value falls between the edges of its bucket, and every bucket follows the one before.
#include "protocols/base/log_linear.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace greenroom::base {
namespace {

template <class Scheme>
void check(std::uint64_t value, double error) {
  const auto index = Scheme::index_of(value);
  EXPECT_LE(Scheme::edge_of(index), value);
  // The last bucket has no edge behind it.
  if (value < std::numeric_limits<std::uint64_t>::max() / 2) {
    EXPECT_GT(Scheme::edge_of(index + 1), value);
  }
  EXPECT_EQ(Scheme::index_of(Scheme::edge_of(index)), index);
  const auto middle = Scheme::middle_of(index);
  const auto away = middle > value ? middle - value : value - middle;
  EXPECT_LE(static_cast<double>(away), error * static_cast<double>(value));
}

TEST(LogLinear, PutsEveryValueIntoTheBucketAroundIt) {
  for (std::uint64_t value = 0; value < 5000; ++value) {
    check<log_linear<7>>(value, 1.0 / 256);
    check<log_linear<9>>(value, 1.0 / 1024);
  }
  for (unsigned power = 12; power < 64; ++power)
    for (const std::int64_t near : {-1, 0, 1}) {
      const auto value = (std::uint64_t{1} << power) + static_cast<std::uint64_t>(near);
      check<log_linear<7>>(value, 1.0 / 256);
      check<log_linear<9>>(value, 1.0 / 1024);
    }
}

TEST(LogLinear, NumbersItsBucketsWithoutGaps) {
  for (std::size_t index = 0; index + 1 < 40 * log_linear<7>::steps; ++index)
    ASSERT_LT(log_linear<7>::edge_of(index), log_linear<7>::edge_of(index + 1)) << index;
}

}  // namespace
}  // namespace greenroom::base
