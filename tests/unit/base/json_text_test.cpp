// The scanner looks at many letters at a time; what it finds must not depend on where they stand.
#include "protocols/base/json_text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace greenroom::base {
namespace {

TEST(JsonStringScan, FindsTheSameWhereverALetterStands) {
  using namespace std::string_view_literals;
  constexpr std::string_view pieces[] = {
      "\x1f"sv, "\""sv,       "\\"sv,       "\\n"sv, "\\\""sv, "\\u0041"sv, "\x7f"sv, " "sv,
      "\x80"sv, "\xc3\xa9"sv, "\xe2\x82"sv, "\0"sv,  "\xff"sv, "\\ud800"sv, "a"sv};
  for (std::size_t length = 0; length <= 40; ++length)
    for (std::size_t at = 0; at <= length; ++at)
      for (const auto piece : pieces) {
        std::string text(length, 'x');
        text.insert(at, piece);
        const auto value = '"' + text + '"';
        EXPECT_EQ(is_json(value), nlohmann::json::accept(value))
            << "length " << length << " at " << at << ": " << value;
      }
}

TEST(JsonString, HasOneFormForEachStyle) {
  using namespace std::string_view_literals;
  constexpr auto odd = "a\"\\\n\t\r\b\f\x01\x7f\xc3\xa4"sv;
  EXPECT_EQ(json_string(odd), "\"a\\\"\\\\\\n\\t\\r\\b\\f\\u0001\x7f\xc3\xa4\"");
  EXPECT_EQ(json_string(odd, {json_escapes::lines}),
            "\"a\\\"\\\\\\n\\t\\u000d\\u0008\\u000c\\u0001\x7f\xc3\xa4\"");
  EXPECT_EQ(json_string(odd, {json_escapes::numbers}),
            "\"a\\\"\\\\\\u000a\\u0009\\u000d\\u0008\\u000c\\u0001\x7f\xc3\xa4\"");
}

TEST(JsonString, ReplacesBytesThatAreNotUtf8OrKeepsThem) {
  EXPECT_EQ(json_string("a\xff\xc0\xafz"), "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
  EXPECT_EQ(json_string("a\xff\xc0\xafz", {json_escapes::numbers, true}), "\"a\xff\xc0\xafz\"");
  std::string out = "x";
  EXPECT_FALSE(append_json_string(out, "a\xff"));
  EXPECT_EQ(out, "x");
}

TEST(JsonOnOneLine, IsAppendedWithoutLineEndsAlsoWhenThereIsNone) {
  std::string out = "a\n";
  append_one_line(out, {});  // The text of a member that is missing has no address.
  EXPECT_EQ(out, "a\n");
  append_one_line(out, "[1,\r\n2]");
  EXPECT_EQ(out, "a\n[1,  2]");
}

TEST(JsonElements, ArePassedOnAsTheyStand) {
  std::string seen;
  const auto take = [&](std::string_view element) { seen += std::string{element} + ";"; };
  EXPECT_TRUE(each_element(R"( [1, "a,b" ,[2,3],{"x":[]}] )", take));
  EXPECT_EQ(seen, R"(1;"a,b";[2,3];{"x":[]};)");
  seen.clear();
  EXPECT_TRUE(each_element("[]", take));
  EXPECT_EQ(seen, "");
  for (const auto* none : {"", "{}", "1", "[1", "[1,]", "[1]x", "[[1]"})
    EXPECT_FALSE(each_element(none, take)) << none;
  EXPECT_FALSE(each_element("[[1]]", take, 1)) << "nested deeper than allowed";
}

}  // namespace
}  // namespace greenroom::base
