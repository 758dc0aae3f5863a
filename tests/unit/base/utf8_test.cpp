// What is UTF-8 and what is not, at every edge of RFC 3629.
#include "protocols/base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace greenroom::base {
namespace {

TEST(Utf8, TakesEveryLetter) {
  for (const char* const good : {"\x7f", "\u0080", "\u07ff", "\u0800", "\u20ac", "\ud7ff", "\ue000",
                                 "\uffff", "\U00010000", "\U0010ffff"}) {
    const std::string_view text{good};
    EXPECT_TRUE(is_utf8(text)) << text;
    ASSERT_EQ(utf8_length(text.data(), text.data() + text.size()), text.size()) << text;
    std::string again;
    append_utf8(again, code_point(text.data(), text.size()));
    EXPECT_EQ(again, text);
  }
  EXPECT_TRUE(is_utf8(""));
}

TEST(Utf8, RefusesOverlongFormsSurrogatesHalvesAndWhatIsBeyondTheLast) {
  for (const char* const bad :
       {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xe2\x82",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x98", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff"}) {
    const std::string_view text{bad};
    EXPECT_EQ(utf8_length(text.data(), text.data() + text.size()), 0U) << text;
    EXPECT_EQ(utf8_prefix("ab" + std::string{text}), 2U);
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(Utf8, IsMendedByteByByte) {
  EXPECT_EQ(mend_utf8("a\xff\xc3\xa4\xe2\x82"), "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Utf8, JoinsSurrogates) {
  EXPECT_TRUE(is_high_surrogate(0xd83d));
  EXPECT_TRUE(is_low_surrogate(0xde00));
  EXPECT_FALSE(is_high_surrogate(0xdc00));
  EXPECT_FALSE(is_low_surrogate(0xe000));
  EXPECT_EQ(joined_surrogates(0xd83d, 0xde00), 0x1f600U);
}

TEST(Utf8, IsCutBetweenTwoSequences) {
  EXPECT_EQ(utf8_cut("abc", 3), "abc");
  EXPECT_EQ(utf8_cut("abcd", 3), "abc");
  EXPECT_EQ(utf8_cut("a\xc3\xa4", 2), "a");
  EXPECT_EQ(utf8_cut("a\xc3\xa4z", 3), "a\xc3\xa4");
  EXPECT_EQ(utf8_cut("\xf0\x9f\x98\x80z", 4), "\xf0\x9f\x98\x80");
  for (const std::size_t most : {0U, 1U, 2U, 3U})
    EXPECT_EQ(utf8_cut("\xf0\x9f\x98\x80z", most), "") << most;
  EXPECT_EQ(utf8_cut("\x80\x80\x80\x80\x80\x80", 5).size(), 5U) << "no sequence at all";
}

}  // namespace
}  // namespace greenroom::base
