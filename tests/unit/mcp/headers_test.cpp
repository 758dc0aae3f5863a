// Values in header fields, and the parameters that are repeated there.
#include "protocols/base/base64.hpp"
#include "protocols/base/raw_object.hpp"
#include "protocols/mcp/header_value.hpp"
#include "protocols/mcp/parameter_headers.hpp"
#include "tests/unit/mcp/value_of.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace greenroom::protocols::mcp {
namespace {

TEST(Base64, WritesAndReadsEveryLength) {
  // RFC 4648, 10.
  const std::vector<std::pair<std::string, std::string>> known{{"", ""},
                                                               {"f", "Zg=="},
                                                               {"fo", "Zm8="},
                                                               {"foo", "Zm9v"},
                                                               {"foob", "Zm9vYg=="},
                                                               {"fooba", "Zm9vYmE="},
                                                               {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : known) {
    EXPECT_EQ(base::to_base64(plain), text);
    EXPECT_EQ(base::from_base64(text), plain);
  }
  EXPECT_EQ(base::to_base64("\xfb\xff", base::base64_form::url), "-_8");
  EXPECT_EQ(base::from_base64("-_8", base::base64_form::url), "\xfb\xff");
}

TEST(Base64, HasOneTextForEachValue) {
  for (const auto* text : {"Zg", "Zg=", "Zh==", "Zg==Zg==", "Z===", "Zm9v====", "Zm 9", "-_8="})
    EXPECT_EQ(base::from_base64(text), std::nullopt) << text;
  for (const auto* text : {"Zg==", "Z", "Zh", "+/8"})
    EXPECT_EQ(base::from_base64(text, base::base64_form::url), std::nullopt) << text;
}

TEST(RawObject, ReadsAndChangesOneMemberAndKeepsTheOthers) {
  const std::string object = R"({"a": 1, "n\u0061me":"x","b":{"name":"deep"}})";
  EXPECT_EQ(base::raw_member(object, "name"), R"("x")");
  EXPECT_EQ(base::raw_member(object, "c"), "");
  EXPECT_EQ(base::raw_member("[1]", "a"), "");
  EXPECT_EQ(base::with_raw_member(object, "name", R"("y")"),
            R"({"a":1,"n\u0061me":"y","b":{"name":"deep"}})");
  EXPECT_EQ(base::with_raw_member(object, "a", ""), R"({"n\u0061me":"x","b":{"name":"deep"}})");
  EXPECT_EQ(base::with_raw_member(R"({"a":1})", "b\"", "[2]"), R"({"a":1,"b\"":[2]})");
  EXPECT_EQ(base::with_raw_member("null", "a", "1"), R"({"a":1})");
  EXPECT_EQ(base::with_raw_member(R"({"a":1,"a":2})", "a", "3"), R"({"a":3})");
  const auto [a, b, c] = base::raw_members(R"({"a":1,"\u0061":2,"b":3})", {"a", "b", "c"});
  EXPECT_EQ(a.value, "2");
  EXPECT_EQ(a.count, 2U);
  EXPECT_EQ(b.value, "3");
  EXPECT_EQ(c.value, "");
  EXPECT_EQ(c.count, 0U);
  EXPECT_EQ(base::raw_members(R"({"a":1)", {"a"})[0].count, 0U) << "no whole object";
  EXPECT_EQ(base::raw_text(R"("a\n")"), "a\n");
  EXPECT_EQ(base::raw_text("7"), std::nullopt);
  EXPECT_TRUE(base::is_raw_integer("-12"));
  EXPECT_FALSE(base::is_raw_integer("1.0"));
  EXPECT_FALSE(base::is_raw_integer("-"));
}

TEST(McpHeader, EncodesWhatWouldNotSurvive) {
  // The examples of the specification.
  EXPECT_EQ(encoded_header("us-west1"), "us-west1");
  EXPECT_EQ(encoded_header("Hello, 世界"), "=?base64?SGVsbG8sIOS4lueVjA==?=");
  EXPECT_EQ(encoded_header(" padded "), "=?base64?IHBhZGRlZCA=?=");
  EXPECT_EQ(encoded_header("line1\nline2"), "=?base64?bGluZTEKbGluZTI=?=");
  EXPECT_EQ(encoded_header("=?base64?literal?="), "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=");
  for (const std::string text : {"", "us-west1", " a", "ö", "a\tb",
                                 "=?base64?"
                                 "?=",
                                 "=?base64?x"})
    EXPECT_EQ(decoded_header(encoded_header(text)), text);
}

TEST(McpHeader, RefusesMalformedBase64AndTakesOtherTextLiterally) {
  EXPECT_EQ(decoded_header("=?base64?SGVsbG8?="), std::nullopt);
  EXPECT_EQ(decoded_header("=?base64?SGVs!!!bG8=?="), std::nullopt);
  EXPECT_EQ(decoded_header("=?base64?/w==?="), std::nullopt);  // No UTF-8.
  EXPECT_EQ(decoded_header("SGVsbG8="), "SGVsbG8=");
  EXPECT_EQ(decoded_header("=?base64?SGVsbG8="), "=?base64?SGVsbG8=");
  EXPECT_EQ(decoded_header("=?BASE64?SGVsbG8=?="), "=?BASE64?SGVsbG8=?=");
  EXPECT_EQ(decoded_header("a\x01"), std::nullopt);
  EXPECT_EQ(decoded_header("\xc3\xb6"), std::nullopt);
  EXPECT_EQ(decoded_header(" \t x \t"), "x");
}

const std::string schema =
    R"({"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},)"
    R"("n":{"type":"integer","x-mcp-header":"N"},"deep":{"type":"object","properties":)"
    R"({"on":{"type":"boolean","x-mcp-header":"On"}}},"plain":{"type":"string"}}})";

TEST(McpParameters, AreFoundWhereOnlyPropertiesLead) {
  const auto found = value_of(parameter_headers(schema));
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[2].name, "On");
  EXPECT_EQ(found[2].path, (std::vector<std::string>{"deep", "on"}));
  EXPECT_EQ(found[2].type, parameter_header::kind::boolean);
  EXPECT_TRUE(value_of(parameter_headers(R"({"type":"object"})")).empty());
}

TEST(McpParameters, MakeASchemaInvalidElsewhere) {
  const auto bad = [](const std::string& properties) {
    return !parameter_headers(R"({"type":"object","properties":{)" + properties + "}}");
  };
  EXPECT_FALSE(bad(R"("a":{"type":"string","x-mcp-header":"A"})"));
  EXPECT_TRUE(bad(R"("a":{"type":"string","x-mcp-header":""})"));
  EXPECT_TRUE(bad(R"("a":{"type":"string","x-mcp-header":"A B"})"));
  EXPECT_TRUE(bad(R"("a":{"type":"string","x-mcp-header":"A\r\n"})"));
  EXPECT_TRUE(bad(R"("a":{"type":"string","x-mcp-header":7})"));
  EXPECT_TRUE(bad(R"("a":{"type":"number","x-mcp-header":"A"})"));
  EXPECT_TRUE(bad(R"("a":{"x-mcp-header":"A"})"));
  EXPECT_TRUE(bad(R"("a":{"type":"string","x-mcp-header":"A"},)"
                  R"("b":{"type":"string","x-mcp-header":"a"})"));
  EXPECT_TRUE(bad(R"("a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}})"));
  EXPECT_TRUE(bad(R"("a":{"anyOf":[{"type":"string","x-mcp-header":"A"}]})"));
  EXPECT_FALSE(
      parameter_headers(R"({"$defs":{"a":{"type":"string","x-mcp-header":"A"}},"properties":{}})"));
}

TEST(McpParameters, AreComparedAfterDecodingAndIntegersAsNumbers) {
  const auto declared = value_of(parameter_headers(schema));
  const auto status = [&](const std::vector<header_field>& fields, std::string_view arguments) {
    const auto same = check_parameters(declared, fields, arguments);
    if (!same) {
      EXPECT_EQ(same.error().code, error_code::header_mismatch);
    }
    return same ? 200 : same.error().status;
  };
  EXPECT_EQ(status({}, R"({"plain":"x"})"), 200);
  EXPECT_EQ(status({}, R"({"region":null})"), 200);
  EXPECT_EQ(status({}, R"({"region":"eu"})"), 400);
  EXPECT_EQ(status({{"mcp-param-REGION", " eu "}}, R"({"region":"eu"})"), 200);
  EXPECT_EQ(status({{"Mcp-Param-Region", "=?base64?ZXU=?="}}, R"({"region":"eu"})"), 200);
  EXPECT_EQ(status({{"Mcp-Param-Region", "=?base64?ZXU?="}}, R"({"region":"eu"})"), 400);
  EXPECT_EQ(status({{"Mcp-Param-Region", "us"}}, R"({"region":"eu"})"), 400);
  EXPECT_EQ(status({{"Mcp-Param-Region", "eu"}, {"Mcp-Param-Region", "eu"}}, R"({"region":"eu"})"),
            400);
  EXPECT_EQ(status({{"Mcp-Param-Region", "eu"}}, "{}"), 400);
  EXPECT_EQ(status({{"Mcp-Param-Other", "x"}}, "{}"), 200);
  EXPECT_EQ(status({{"Mcp-Param-N", "42.0"}}, R"({"n":42})"), 200);
  EXPECT_EQ(status({{"Mcp-Param-N", "42"}}, R"({"n":4.2e1})"), 200);
  EXPECT_EQ(status({{"Mcp-Param-N", "43"}}, R"({"n":42})"), 400);
  EXPECT_EQ(status({{"Mcp-Param-N", "9007199254740991"}}, R"({"n":9007199254740991})"), 200);
  EXPECT_EQ(status({{"Mcp-Param-N", "9007199254740992"}}, R"({"n":9007199254740992})"), 400);
  EXPECT_EQ(status({{"Mcp-Param-On", "true"}}, R"({"deep":{"on":true}})"), 200);
  EXPECT_EQ(status({{"Mcp-Param-On", "True"}}, R"({"deep":{"on":true}})"), 400);
}

TEST(McpParameters, AreWrittenSoThatTheyAreTaken) {
  const auto declared = value_of(parameter_headers(schema));
  const std::string arguments = R"({"region":"Zürich","n":7,"deep":{"on":false},"plain":"x"})";
  const auto written = parameter_fields(declared, arguments);
  ASSERT_EQ(written.size(), 3U);
  std::vector<header_field> fields;
  for (const auto& [name, value] : written) fields.emplace_back(name, value);
  EXPECT_TRUE(check_parameters(declared, fields, arguments));
}

}  // namespace
}  // namespace greenroom::protocols::mcp
