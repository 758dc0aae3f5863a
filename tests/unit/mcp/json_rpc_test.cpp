// One message of JSON-RPC.
#include "protocols/mcp/json_rpc.hpp"
#include "tests/unit/mcp/value_of.hpp"

#include <gtest/gtest.h>

#include <string>

namespace greenroom::protocols::mcp {
namespace {

error_code code_of(std::string_view text, const message_limits& limits = {}) {
  const auto read = read_message(text, limits);
  EXPECT_FALSE(read) << text;
  return read ? error_code::internal_error : read.error().code;
}

TEST(McpMessage, KeepsTheIdAsItWasWritten) {
  for (const std::string id :
       {R"("a\u0041")", "0", "-7", "123456789012345678901234567890", R"("")"}) {
    const auto read = read_message(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"ping"})");
    ASSERT_TRUE(read) << id;
    EXPECT_EQ(read->id, id);
    EXPECT_EQ(read->kind, message_kind::request);
    EXPECT_EQ(result_text(read->id, "{}"), R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{}})");
  }
}

TEST(McpMessage, RefusesIdsThatAreNeitherTextsNorIntegers) {
  for (const std::string id : {"null", "1.5", "1e3", "true", "{}", "[1]"}) {
    const auto read = read_message(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"ping"})");
    ASSERT_FALSE(read) << id;
    EXPECT_EQ(read.error().code, error_code::invalid_request);
    EXPECT_EQ(read.error().status, 400);
    EXPECT_EQ(read.error().id, "");
  }
}

TEST(McpMessage, TakesNullForTheIdOfAnErrorOnly) {
  // JSON-RPC 2.0, 5: the id of the request could not be read.
  const auto read = value_of(
      read_message(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}})"));
  EXPECT_EQ(read.kind, message_kind::error);
  EXPECT_EQ(read.id, "");
  EXPECT_EQ(to_text(read), R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"x"}})");
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":null,"result":{}})"), error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1.5,"error":{"code":1,"message":"x"}})"),
            error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":null,"method":"a","error":{"code":1,"message":"x"}})"),
            error_code::invalid_request);
}

TEST(McpMessage, TellsItsFourKindsApart) {
  const auto kind = [](std::string_view text) { return value_of(read_message(text)).kind; };
  EXPECT_EQ(kind(R"({"jsonrpc":"2.0","method":"a"})"), message_kind::notification);
  EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1,"method":"a"})"), message_kind::request);
  EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1,"result":{}})"), message_kind::result);
  EXPECT_EQ(kind(R"({"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":""}})"),
            message_kind::error);
  EXPECT_EQ(kind(R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"x"}})"),
            message_kind::error);
}

TEST(McpMessage, KeepsParamsAsTheyAreOnOneLine) {
  const auto read = read_message(
      "\n {\"params\":{\"a\": [1,\n2.50],\"b\":\"\\n\"},\"method\":\"x/y\","
      "\"id\":1,\"jsonrpc\":\"2.0\"} \r\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->params, R"({"a": [1, 2.50],"b":"\n"})");
  EXPECT_EQ(read->method, "x/y");
  EXPECT_EQ(value_of(read_message(to_text(*read))).params, read->params);
}

TEST(McpMessage, TakesNullForNoParamsAndRefusesLists) {
  const auto none = read_message(R"({"jsonrpc":"2.0","id":1,"method":"a","params":null})");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->params, "");
  const auto list = read_message(R"({"jsonrpc":"2.0","id":1,"method":"a","params":[1]})");
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, error_code::invalid_params);
  EXPECT_EQ(list.error().id, "1");
}

TEST(McpMessage, RefusesBatchesAndWhatIsNoObject) {
  EXPECT_EQ(code_of(R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])"), error_code::invalid_request);
  EXPECT_EQ(code_of("[]"), error_code::invalid_request);
  EXPECT_EQ(code_of("7"), error_code::invalid_request);
  EXPECT_EQ(code_of("[1"), error_code::parse_error);
  EXPECT_EQ(code_of(""), error_code::parse_error);
  EXPECT_EQ(code_of("{"), error_code::parse_error);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","method":"a"} x)"), error_code::parse_error);
  EXPECT_EQ(code_of("{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}"), error_code::parse_error);
}

TEST(McpMessage, EchoesTheIdOfARequestThatIsMalformedOtherwise) {
  const auto read = read_message(R"({"jsonrpc":"1.0","id":"x","method":"a"})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().id, R"("x")");
  EXPECT_EQ(error_text(read.error()).find(R"({"jsonrpc":"2.0","id":"x","error":{"code":-32600,)"),
            0U);
}

TEST(McpMessage, RefusesMembersThatProgramsMayReadDifferently) {
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":"a","method":"b"})"),
            error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":"a","m\u0065thod":"b"})"),
            error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":"a","result":{}})"),
            error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}})"),
            error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1})"), error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","result":{}})"), error_code::invalid_request);
}

TEST(McpMessage, RefusesErrorsWithoutAnIntegerCodeAndAMessage) {
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"error":"x"})"), error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"error":{"message":"x"}})"),
            error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":"x"}})"),
            error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"error":{"code":1}})"), error_code::invalid_request);
}

TEST(McpMessage, HasItsBounds) {
  message_limits limits;
  const std::string text = R"({"jsonrpc":"2.0","id":"ab","method":"abc","params":{"a":[1]}})";
  limits.bytes = text.size();
  limits.depth = 3;
  limits.id_bytes = 4;
  limits.method_bytes = 3;
  EXPECT_TRUE(read_message(text, limits));
  auto less = limits;
  --less.bytes;
  EXPECT_EQ(code_of(text, less), error_code::parse_error);
  less = limits;
  --less.depth;
  EXPECT_EQ(code_of(text, less), error_code::parse_error);
  less = limits;
  --less.id_bytes;
  EXPECT_EQ(code_of(text, less), error_code::invalid_request);
  less = limits;
  --less.method_bytes;
  EXPECT_EQ(code_of(text, less), error_code::invalid_request);
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":""})"), error_code::invalid_request);
}

TEST(McpMessage, ReplacesHalvesOfCharactersInWhatIsPassedOn) {
  const auto read =
      read_message(R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"t":"\ud83d"}})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->params, R"({"t":"\ufffd"})");
  const auto error = value_of(read_message(
      R"({"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"m","data":{"x":"\ud83d"}}})"));
  EXPECT_EQ(error.error, R"({"code":-32601,"message":"m","data":{"x":"\ufffd"}})");
  EXPECT_EQ(error.id, "7");
  // The escapes of a whole character stay.
  const auto whole = value_of(read_message(
      R"({"jsonrpc":"2.0","id":"\udc00","method":"a","params":{"t":"\ud83d\ude00\ud83d\u0041"}})"));
  EXPECT_EQ(whole.params, R"({"t":"\ud83d\ude00\ufffd\u0041"})");
  EXPECT_EQ(whole.id, R"("\ufffd")");
}

TEST(McpMessage, WritesOneLineEach) {
  EXPECT_EQ(request_text("7", "a\"b", "{\n}"),
            R"({"jsonrpc":"2.0","id":7,"method":"a\"b","params":{ }})");
  EXPECT_EQ(notification_text("n"), R"({"jsonrpc":"2.0","method":"n"})");
  EXPECT_EQ(error_text("", R"({"code":1,"message":"m"})"),
            R"({"jsonrpc":"2.0","error":{"code":1,"message":"m"}})");
}

TEST(McpMessage, ReadsThePartsOfAnErrorAndHasDefaults) {
  const auto parts = parts_of(R"({"code":-32601,"message":"no\tsuch"})");
  EXPECT_EQ(parts.code, -32601);
  EXPECT_EQ(parts.message, "no\tsuch");
  EXPECT_EQ(parts_of("{}").code, -32603);
}

TEST(McpErrors, QuoteNoPartOfACharacter) {
  const auto long_name = std::string(199, 'x') + "\xc3\xb6y";
  EXPECT_EQ(unknown_name("tool", long_name).message,
            "Unknown tool: '" + std::string(199, 'x') + "…'");
  EXPECT_EQ(unknown_name("tool", "a\xff").message, "Unknown tool: 'a\xef\xbf\xbd'");
}

TEST(McpErrors, CarryWhatClientsDecideBy) {
  const auto version = unsupported_version("v9", "3");
  EXPECT_EQ(version.status, 400);
  EXPECT_EQ(
      version.data,
      R"({"supported":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],"requested":"v9"})");
  EXPECT_EQ(missing_capabilities(R"({"sampling":{}})").data,
            R"({"requiredCapabilities":{"sampling":{}}})");
  EXPECT_EQ(method_not_found("x", mcp_era::modern).status, 404);
  // A legacy client would take it for the loss of its session.
  EXPECT_EQ(method_not_found("x", mcp_era::legacy).status, 200);
  EXPECT_EQ(resource_not_found("u", mcp_era::modern).code, error_code::invalid_params);
  EXPECT_EQ(resource_not_found("u", mcp_era::legacy).code, error_code::resource_not_found);
  EXPECT_EQ(unknown_session().status, 404);
  EXPECT_EQ(missing_session().status, 400);
  EXPECT_EQ(method_not_allowed("POST").status, 405);
  EXPECT_TRUE(is_modern_error(-32020));
  EXPECT_TRUE(is_modern_error(-32022));
  EXPECT_FALSE(is_modern_error(-32019));
  EXPECT_FALSE(is_modern_error(-32023));
}

TEST(McpVersions, EchoWhatIsServedAndElseOfferTheNewestLegacyOne) {
  EXPECT_EQ(negotiated("2025-06-18"), "2025-06-18");
  EXPECT_EQ(negotiated("2024-11-05"), "2024-11-05");
  EXPECT_EQ(negotiated("2024-10-07"), "2025-11-25");
  EXPECT_EQ(negotiated("2026-07-28"), "2025-11-25");
  EXPECT_EQ(negotiated(""), "2025-11-25");
}

TEST(McpVersions, AreModernFromADayOn) {
  EXPECT_TRUE(is_modern("2026-07-28"));
  EXPECT_TRUE(is_modern("2027-01-01"));
  EXPECT_FALSE(is_modern("2026-07-27"));
  EXPECT_FALSE(is_modern("v999.0.0"));
  EXPECT_FALSE(is_modern("2026-07-280"));
  EXPECT_FALSE(is_modern(""));
  EXPECT_TRUE(is_served("2026-07-28", mcp_era::modern));
  EXPECT_FALSE(is_served("2027-01-01", mcp_era::modern));
  EXPECT_FALSE(is_served("2025-11-25", mcp_era::modern));
}

}  // namespace
}  // namespace greenroom::protocols::mcp
