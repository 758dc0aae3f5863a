#include "protocols/plain_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace greenroom::tests {
namespace {

using protocols::is_plain_text, protocols::line_ends, protocols::plain_text;

TEST(PlainText, KeepsWhatPeopleRead) {
  for (const auto* text : {"", "abc", "Grüße, 世界 😀", "a|b\"c\\d"}) {
    EXPECT_TRUE(is_plain_text(text)) << text;
    EXPECT_EQ(plain_text(text), text);
  }
}

TEST(PlainText, EscapesWhatATerminalObeys) {
  EXPECT_EQ(plain_text("\x1b[2Jx\r\x07"), "\\u001b[2Jx\\u000d\\u0007");
  EXPECT_EQ(plain_text("\x7f"), "\\u007f");
  EXPECT_EQ(plain_text("\xc2\x9b"
                       "2J"),
            "\\u009b2J");  // CSI as one code point.
  EXPECT_EQ(plain_text("a\xe2\x80\xae"
                       "b"),
            "a\\u202eb");  // Right-to-left override.
  EXPECT_EQ(plain_text("a\xe2\x81\xa6"
                       "b"),
            "a\\u2066b");
  EXPECT_EQ(plain_text("a\xe2\x80\xa8"
                       "b"),
            "a\\u2028b");  // Line separator.
  EXPECT_EQ(plain_text(std::string_view{"\0", 1}), "\\u0000");
}

// A lone 0x9B is a control sequence to a terminal that reads eight-bit controls.
TEST(PlainText, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(plain_text("\x9b"
                       "2J"),
            "\xEF\xBF\xBD"
            "2J");
  EXPECT_EQ(plain_text("\xed\xa0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // A surrogate.
  EXPECT_EQ(plain_text("\xc0\x9b"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // Overlong.
  EXPECT_EQ(plain_text("\xe2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // Cut.
}

TEST(PlainText, KeepsLinesAndTabsOnlyWhenAskedTo) {
  EXPECT_EQ(plain_text("a\n\tb"), "a\\n\\tb");
  EXPECT_EQ(plain_text("a\n\tb", line_ends::keep), "a\n\tb");
  EXPECT_EQ(plain_text("a\r\n", line_ends::keep), "a\\u000d\n");
}

// For every byte value, alone and after a letter: the result commands no terminal.
TEST(PlainText, LeavesNoControlByteOfAny) {
  for (int byte = 0; byte < 256; ++byte) {
    const auto shown = plain_text(std::string{"a"} + static_cast<char>(byte) + "b");
    for (const char letter : shown) {
      const auto value = static_cast<unsigned char>(letter);
      EXPECT_TRUE(value >= 0x20 && value != 0x7f) << byte;
    }
    EXPECT_TRUE(is_plain_text(shown)) << byte;
  }
}

}  // namespace
}  // namespace greenroom::tests
