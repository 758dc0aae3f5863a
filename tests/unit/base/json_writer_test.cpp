// Documents written member by member.
#include "protocols/base/json_writer.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace greenroom::base {
namespace {

TEST(JsonObject, KeepsTheOrderOfItsMembersAndEscapesNamesAndTexts) {
  const std::string text = json_object{{"url", std::string{"a\"b"}}, {"w\n", "c"}, {"n", 1}};
  EXPECT_EQ(text, R"({"url":"a\"b","w\n":"c","n":1})");
  EXPECT_EQ(json_object{}.text(), "{}");
  EXPECT_EQ((json_object{{"only", "one"}}).text(), R"({"only":"one"})");
}

TEST(JsonObject, WritesEveryKindOfValue) {
  json_object all;
  all.add("yes", true)
      .add("large", std::numeric_limits<std::uint64_t>::max())
      .add("small", std::numeric_limits<std::int64_t>::min())
      .add("real", 0.25)
      .add("none", nullptr)
      .add("infinite", std::numeric_limits<double>::infinity())
      .add("perhaps", std::optional<double>{})
      .add("surely", std::optional{std::string{"x"}})
      .raw("as_is", "[1]");
  EXPECT_EQ(all.text(),
            R"({"yes":true,"large":18446744073709551615,"small":-9223372036854775808,)"
            R"("real":0.25,"none":null,"infinite":null,"perhaps":null,"surely":"x","as_is":[1]})");
}

TEST(JsonObject, HoldsObjectsAndArrays) {
  const std::vector<int> numbers{1, 2};
  const json_array inner{numbers, [](int each) { return json_object{{"n", each}}; }};
  EXPECT_EQ((json_object{{"all", inner}, {"empty", json_array{}}, {"one", json_object{}}}).text(),
            R"({"all":[{"n":1},{"n":2}],"empty":[],"one":{}})");
}

TEST(JsonObject, HasTheStyleOfItsDocument) {
  using bare = json_object_in<json_style{json_escapes::numbers, true}>;
  EXPECT_EQ((bare{{"k", "\n\xff"}}).text(), "{\"k\":\"\\u000a\xff\"}");
}

}  // namespace
}  // namespace greenroom::base
