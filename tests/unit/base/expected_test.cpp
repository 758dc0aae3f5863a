// A value or a problem, never both and never neither.
#include "protocols/base/expected.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace greenroom::base {
namespace {

TEST(Expected, HoldsAValueOrAProblem) {
  expected<std::string> good{std::string{"text"}};
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, "text");
  EXPECT_EQ(good->size(), 4U);
  const expected<std::string> bad{problem{"url", "has no host"}};
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error(), (problem{"url", "has no host"}));
}

TEST(Expected, MovesItsValueOut) {
  expected<std::unique_ptr<int>> held{std::make_unique<int>(7)};
  const auto taken = *std::move(held);
  EXPECT_EQ(*taken, 7);
}

TEST(Expected, OfNothingOnlySaysWhetherItWorked) {
  EXPECT_TRUE(expected<void>{});
  const expected<void> bad{problem{"path", "begins with no slash"}};
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, "path");
}

}  // namespace
}  // namespace greenroom::base
