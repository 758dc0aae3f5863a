// One seed, one stream, on every machine.
#include "protocols/base/random.hpp"

#include <gtest/gtest.h>

namespace greenroom::base {
namespace {

TEST(RandomSource, IsSplitMix64AsPublished) {
  // The numbers of the authors' reference code from the state 1234567.
  random_source source{1234567};
  EXPECT_EQ(source.next(), 6457827717110365317ULL);
  EXPECT_EQ(source.next(), 3203168211198807973ULL);
  EXPECT_EQ(source.next(), 9817491932198370423ULL);
}

TEST(RandomSource, StaysWithinItsBounds) {
  random_source source{7};
  for (int i = 0; i < 10'000; ++i) {
    const double share = source.uniform();
    EXPECT_GE(share, 0);
    EXPECT_LT(share, 1);
    EXPECT_LT(source.below(3), 3U);
    EXPECT_GT(source.exponential(2), 0);
  }
}

TEST(RandomSource, SplitsIntoAStreamThatDoesNotDependOnWhatIsDrawnLater) {
  random_source one{7}, other{7};
  auto part = one.split();
  auto same = other.split();
  static_cast<void>(one.next());
  EXPECT_EQ(part.next(), same.next());
}

}  // namespace
}  // namespace greenroom::base
