// What is read before a configuration is understood: bytes into a tree.
#include "config/tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace greenroom::config {
namespace {

TEST(Tree, RefusesWhatIsNotUtf8WithItsPlace) {
  // A byte of Latin-1; a lead alone; too long for its letter; half a surrogate pair; past the last.
  for (const char* const bytes : {"caf\xe9", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                                  "\xf4\x90\x80\x80", "\xff"}) {
    std::vector<problem> problems;
    parse_tree("version: 1\nname: " + std::string{bytes} + "\n", "node.yaml", problems);
    ASSERT_EQ(problems.size(), 1U) << bytes;
    EXPECT_THAT(problems[0].message, testing::HasSubstr("not UTF-8")) << bytes;
    EXPECT_EQ(problems[0].line, 2U) << bytes;
    // The place is that of the first byte that is wrong.
    const std::string_view wrong{bytes};
    EXPECT_EQ(problems[0].column, 7U + wrong.find_first_not_of("caf")) << bytes;
  }
}

TEST(Tree, TakesEveryLetterOfUtf8) {
  for (const char* const good :
       {"\x7f", "\u0080", "\u07ff", "\u0800", "\u20ac", "\uffff", "\U00010000", "\U0010ffff"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
}

}  // namespace
}  // namespace greenroom::config
