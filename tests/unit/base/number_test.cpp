// Numbers and hexadecimal digits as text.
#include "protocols/base/number.hpp"
#include "protocols/base/hex.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>

namespace greenroom::base {
namespace {

TEST(Number, IsTheWholeTextOrNothing) {
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_number<std::uint32_t>("fF", 16), 255U);
  EXPECT_EQ(parse_number<double>("1e3"), 1000);
  for (const auto* const wrong : {"", " 1", "1 ", "+1", "1x", "x", "99999999999", "1.5"})
    EXPECT_FALSE(parse_number<int>(wrong)) << wrong;
  EXPECT_FALSE(parse_number<std::uint16_t>("65536"));
  EXPECT_FALSE(parse_number<std::uint16_t>("-1"));
}

TEST(Number, MayBeInfiniteOnlyWhereThatIsAsked) {
  EXPECT_EQ(parse_number<double>("inf"), std::numeric_limits<double>::infinity());
  for (const auto* const wrong : {"inf", "-inf", "nan", "1e999", ""})
    EXPECT_FALSE(parse_finite(wrong)) << wrong;
  EXPECT_EQ(parse_finite("0.1"), 0.1);
}

TEST(Number, ReadsBackToTheSameDouble) {
  for (const double value : {0.1, 1.0 / 3, 1e300, 5e-324, -0.0, 1e22})
    EXPECT_EQ(parse_number<double>(exact_text(value)), value);
  EXPECT_EQ(exact_text(1.0), "1");
}

TEST(Hex, HasAllItsDigits) {
  EXPECT_EQ(to_hex(std::uint64_t{0x1f}), "000000000000001f");
  EXPECT_EQ(to_hex(std::numeric_limits<std::uint64_t>::max()), "ffffffffffffffff");
  EXPECT_EQ(to_hex(std::array<unsigned char, 3>{0, 0xa5, 0xff}), "00a5ff");
}

}  // namespace
}  // namespace greenroom::base
