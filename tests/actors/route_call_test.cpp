// Percent-decoding of paths and queries.
#include "actors/doors/route_call.hpp"

#include <gtest/gtest.h>

#include <string>

namespace greenroom::doors {
namespace {

std::string decoded_or(std::string_view text, bool plus_is_space, const char* otherwise) {
  const auto result = decoded(text, plus_is_space);
  return result ? *result : std::string{otherwise};
}

TEST(HttpCall, DecodesPercentsAndOnlyInAQueryPluses) {
  EXPECT_EQ(decoded_or("a%20b%2Fc", false, "-"), "a b/c");
  EXPECT_EQ(decoded_or("%c3%A4", false, "-"), "\xc3\xa4");
  EXPECT_EQ(decoded_or("a+b", true, "-"), "a b");
  EXPECT_EQ(decoded_or("a+b", false, "-"), "a+b");
  EXPECT_EQ(decoded_or("%2B", true, "-"), "+");
  EXPECT_EQ(decoded_or("%00", false, "-"), std::string(1, '\0'));
  EXPECT_EQ(decoded_or("", true, "-"), "");
}

TEST(HttpCall, RefusesAPercentWithoutTwoDigits) {
  for (const auto* text : {"%", "%4", "a%", "a%4", "%zz", "%4g", "%%20", "%-1", "% 1"}) {
    const auto result = decoded(text, true);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, "bad-escape") << text;
  }
}

}  // namespace
}  // namespace greenroom::doors
