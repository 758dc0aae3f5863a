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
    const auto problems =
        parse_tree("version: 1\nname: " + std::string{bytes} + "\n", "node.yaml").problems;
    ASSERT_EQ(problems.size(), 1U) << bytes;
    EXPECT_THAT(problems[0].message, testing::HasSubstr("not UTF-8")) << bytes;
    EXPECT_EQ(problems[0].line, 2U) << bytes;
    // The place is that of the first byte that is wrong.
    const std::string_view wrong{bytes};
    EXPECT_EQ(problems[0].column, 7U + wrong.find_first_not_of("caf")) << bytes;
  }
}

tree good(std::string_view text) {
  auto [result, problems] = parse_tree(text, "node.yaml");
  for (const auto& each : problems) ADD_FAILURE() << to_string(each) << '\n' << text;
  return result;
}

std::string bad(std::string_view text) {
  const auto problems = parse_tree(text, "node.yaml").problems;
  return problems.empty() ? "" : to_string(problems.front());
}

TEST(Tree, MergesMapsWithTheirOwnKeysFirst) {
  const auto whole = good(
      "base: &base { a: 1, b: 2 }\nmore: &more { b: 3, c: 4 }\n"
      "one: { <<: *base, b: 5 }\n"
      "two:\n  <<: [*more, *base]\n  d: 6\n"
      "three: &three\n  <<: *base\nfour:\n  <<: *three\n"
      "five: { '<<': plain }\n");
  const auto value = [&](const char* map, const char* key) {
    const auto* found = whole.find(map)->find(key);
    return found == nullptr ? std::string{"none"} : found->text;
  };
  EXPECT_EQ(value("one", "a"), "1");
  EXPECT_EQ(value("one", "b"), "5");
  EXPECT_EQ(value("one", "<<"), "none");
  EXPECT_EQ(value("two", "b"), "3");
  EXPECT_EQ(value("two", "a"), "1");
  EXPECT_EQ(value("two", "c"), "4");
  EXPECT_EQ(value("two", "d"), "6");
  EXPECT_EQ(value("four", "b"), "2");
  EXPECT_EQ(value("five", "<<"), "plain");
}

TEST(Tree, RefusesToMergeWhatIsNoMap) {
  EXPECT_THAT(bad("a: { <<: 5 }\n"), testing::HasSubstr("node.yaml:1:6: <<: expected a map"));
  EXPECT_THAT(bad("b: &b 5\na:\n  <<: [*b]\n"), testing::HasSubstr("node.yaml:3:3: <<: expected"));
  EXPECT_THAT(bad("b: &b {}\na:\n  <<: *b\n  <<: *b\n"), testing::HasSubstr("written twice"));
  EXPECT_THAT(bad("b: &b { c: 1 }\na:\n  <<: *b\n  d: 1\n  d: 2\n"),
              testing::HasSubstr("duplicate key"));
}

TEST(Tree, ReadsJson) {
  const auto whole = good(
      "\xef\xbb\xbf{\r\n\t\"pool\":{\"cooldown\":\"45s\",\"max_warm\":4},\r\n"
      "\t\"list\": [\"a\\/b\", \"\\u00e9\", \"\\ud83d\\ude00\"]\r\n}\r\n");
  EXPECT_EQ(whole.find("pool")->find("cooldown")->text, "45s");
  EXPECT_EQ(whole.find("pool")->find("max_warm")->text, "4");
  ASSERT_EQ(whole.find("list")->items.size(), 3U);
  EXPECT_EQ(whole.find("list")->items[0].text, "a/b");
  EXPECT_EQ(whole.find("list")->items[1].text, "\u00e9");
  EXPECT_EQ(whole.find("list")->items[2].text, "\U0001f600");
}

TEST(Tree, TakesWhatEditorsAddToYaml) {
  for (const char* const text :
       {"\xef\xbb\xbfpool:\n  max_warm: 4\n", "pool:\r\n  max_warm: 4\r\n",
        "---\npool:\n  max_warm: 4\n...\n", "--- # begins\npool:\n  max_warm: 4\t# four\n",
        "%YAML 1.2\n---\npool: { max_warm: 4 }\n", "pool:\n  max_warm: 4",
        "pool: {\n\tmax_warm: 4\n}\n"})
    EXPECT_EQ(good(text).find("pool")->find("max_warm")->text, "4") << text;
}

}  // namespace
}  // namespace greenroom::config
