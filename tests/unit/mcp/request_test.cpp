// What a client asks: HTTP and stdio, both eras.
#include "protocols/mcp/request.hpp"
#include "tests/unit/mcp/value_of.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace greenroom::protocols::mcp {
namespace {

using fields = std::vector<header_field>;

const fields json_only{{"Content-Type", "application/json"},
                       {"Accept", "application/json, text/event-stream"}};

fields with(fields base, const fields& more) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

auto post(const fields& header, const std::string& body) {
  return read_post(http_fields::of(header), body);
}

const std::string meta = R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                         R"("io.modelcontextprotocol/clientCapabilities":{"sampling":{}}})";

std::string modern_body(const std::string& method, const std::string& params) {
  return R"({"jsonrpc":"2.0","id":5,"method":")" + method + R"(","params":{)" + params + "}}";
}

fields modern_fields(std::string_view method, std::string_view version = "2026-07-28") {
  return with(json_only, {{"MCP-Protocol-Version", version}, {"Mcp-Method", method}});
}

void expect_failure(const base::expected<request, failure>& got, error_code code, int status,
                    const std::string& id = "5") {
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, code) << got.error().message;
  EXPECT_EQ(got.error().status, status) << got.error().message;
  EXPECT_EQ(got.error().id, id) << got.error().message;
}

// -- modern -------------------------------------------------------------------

TEST(McpRequest, TakesWhatAModernRequestSaysOfItself) {
  const auto got = post(
      with(modern_fields("tools/call"), {{"mcp-name", "echo"}, {"Mcp-Session-Id", "old"}}),
      modern_body("tools/call",
                  R"("name":"echo","arguments":{"a":1},"_meta":{)"
                  R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                  R"("io.modelcontextprotocol/clientCapabilities":{"sampling":{"tools":{}}},)"
                  R"("io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},)"
                  R"("io.modelcontextprotocol/logLevel":"warning","progressToken":"p\"1",)"
                  R"("traceparent":"00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"})"));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->era, mcp_era::modern);
  EXPECT_EQ(got->version, "2026-07-28");
  EXPECT_EQ(got->id, "5");
  EXPECT_EQ(got->method, "tools/call");
  EXPECT_EQ(got->name, "echo");
  EXPECT_EQ(got->progress_token, R"("p\"1")");
  EXPECT_EQ(got->log_level, "warning");
  EXPECT_EQ(got->capabilities, R"({"sampling":{"tools":{}}})");
  EXPECT_EQ(got->client_info, R"({"name":"c","version":"1"})");
  EXPECT_EQ(got->trace_id, "0af7651916cd43dd8448eb211c80319c");
  // Ignored: a modern client has none.
  EXPECT_EQ(got->session_id, "");
  EXPECT_TRUE(declares(got->capabilities, "sampling"));
  EXPECT_TRUE(declares(got->capabilities, "sampling.tools"));
  EXPECT_FALSE(declares(got->capabilities, "sampling.context"));
  EXPECT_FALSE(declares(got->capabilities, "elicitation"));
}

TEST(McpRequest, RefusesModernRequestsWithoutTheirMeta) {
  const auto discover = [](const std::string& params) {
    return post(modern_fields("server/discover"), modern_body("server/discover", params));
  };
  expect_failure(discover(""), error_code::invalid_params, 400);
  expect_failure(discover(R"("_meta":{"io.modelcontextprotocol/clientCapabilities":{}})"),
                 error_code::invalid_params, 400);
  expect_failure(discover(R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"})"),
                 error_code::invalid_params, 400);
  expect_failure(discover(R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                          R"("io.modelcontextprotocol/clientCapabilities":[]})"),
                 error_code::invalid_params, 400);
  // The client's name is not needed.
  EXPECT_TRUE(discover(meta));
}

TEST(McpRequest, RefusesVersionsThatAreNotServedAndThoseThatDiffer) {
  const auto discover = [](std::string_view header, const std::string& version) {
    return post(modern_fields("server/discover", header),
                modern_body("server/discover",
                            R"("_meta":{"io.modelcontextprotocol/protocolVersion":")" + version
                                + R"(","io.modelcontextprotocol/clientCapabilities":{}})"));
  };
  EXPECT_TRUE(discover(" 2026-07-28\t", "2026-07-28"));
  expect_failure(discover("v999.0.0", "v999.0.0"), error_code::unsupported_version, 400);
  expect_failure(discover("2027-01-01", "2027-01-01"), error_code::unsupported_version, 400);
  // A legacy version goes with initialize.
  expect_failure(discover("2025-11-25", "2025-11-25"), error_code::unsupported_version, 400);
  expect_failure(discover("2026-07-28", "v999.0.0"), error_code::header_mismatch, 400);
  expect_failure(discover("2025-11-25", "2026-07-28"), error_code::header_mismatch, 400);
  expect_failure(post(with(json_only, {{"Mcp-Method", "server/discover"}}),
                      modern_body("server/discover", meta)),
                 error_code::header_mismatch, 400);
}

TEST(McpRequest, WantsTheHeadersToSayWhatTheBodySays) {
  const auto body = modern_body("tools/call", R"("name":"echo",)" + meta);
  const fields version{{"MCP-Protocol-Version", "2026-07-28"}};
  const auto call = [&](const fields& more) {
    return post(with(with(json_only, version), more), body);
  };
  EXPECT_TRUE(call({{"mcp-method", " tools/call "}, {"MCP-NAME", " echo "}}));
  EXPECT_TRUE(call({{"Mcp-Method", "tools/call"}, {"Mcp-Name", "=?base64?ZWNobw==?="}}));
  for (const fields& wrong : std::vector<fields>{
           {{"Mcp-Name", "echo"}},
           {{"Mcp-Method", "tools/call"}},
           {{"Mcp-Method", "Tools/Call"}, {"Mcp-Name", "echo"}},
           {{"Mcp-Method", "tools/list"}, {"Mcp-Name", "echo"}},
           {{"Mcp-Method", "tools/call"}, {"Mcp-Name", "Echo"}},
           {{"Mcp-Method", "tools/call"}, {"Mcp-Name", "=?base64?ZWNobw?="}},
           {{"Mcp-Method", "tools/call"}, {"Mcp-Name", "=?base64?ZWNo!w==?="}},
           {{"Mcp-Method", "tools/call"}, {"Mcp-Name", "ech\xc3\xb6"}},
           {{"Mcp-Method", "tools/call"}, {"Mcp-Name", "echo"}, {"Mcp-Name", "echo"}},
       })
    expect_failure(call(wrong), error_code::header_mismatch, 400);
}

TEST(McpRequest, ComparesTheUriOfAResourceAndDecodesIt) {
  const auto got =
      post(with(modern_fields("resources/read"), {{"Mcp-Name", "=?base64?dDovL8O2?="}}),
           modern_body("resources/read", "\"uri\":\"t://\xc3\xb6\"," + meta));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->name, "t://\xc3\xb6");
}

TEST(McpRequest, RefusesNamesThatAreMissingOrThereTwice) {
  const auto call = [](const std::string& params) {
    return post(with(modern_fields("tools/call"), {{"Mcp-Name", "echo"}}),
                modern_body("tools/call", params + meta));
  };
  expect_failure(call(""), error_code::invalid_params, 400);
  expect_failure(call(R"("name":7,)"), error_code::invalid_params, 400);
  // One of them could be checked and the other one called.
  expect_failure(call(R"("name":"other","name":"echo",)"), error_code::invalid_params, 400);
  expect_failure(post(modern_fields("tools/list"), modern_body("tools/list", meta + "," + meta)),
                 error_code::invalid_params, 400);
}

TEST(McpRequest, RefusesTokensAndLevelsThatTheProtocolDoesNotHave) {
  const auto list = [](const std::string& more) {
    auto with_more = meta;
    with_more.insert(with_more.size() - 1, more);
    return post(modern_fields("tools/list"), modern_body("tools/list", with_more));
  };
  EXPECT_EQ(value_of(list(R"(,"progressToken":7)")).progress_token, "7");
  expect_failure(list(R"(,"progressToken":1.5)"), error_code::invalid_params, 400);
  expect_failure(list(R"(,"progressToken":null)"), error_code::invalid_params, 400);
  EXPECT_EQ(value_of(list(R"(,"io.modelcontextprotocol/logLevel":"debug")")).log_level, "debug");
  expect_failure(list(R"(,"io.modelcontextprotocol/logLevel":"loud")"), error_code::invalid_params,
                 400);
}

TEST(McpRequest, TakesModernNotificationsWithoutHeadersAndRefusesResponses) {
  const auto told = post(modern_fields("notifications/cancelled"),
                         R"({"jsonrpc":"2.0","method":"notifications/cancelled"})");
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(told->kind, message_kind::notification);
  EXPECT_EQ(told->era, mcp_era::modern);
  expect_failure(post(modern_fields("x"), R"({"jsonrpc":"2.0","id":5,"result":{}})"),
                 error_code::invalid_request, 400);
}

TEST(McpRequest, TakesInitializeWithModernMetaForAModernRequest) {
  const auto got = post(modern_fields("initialize"), modern_body("initialize", meta));
  ASSERT_TRUE(got);
  // So the door answers that there is no such method.
  EXPECT_EQ(got->era, mcp_era::modern);
}

// -- legacy -------------------------------------------------------------------

const std::string initialize =
    R"({"jsonrpc":"2.0","id":5,"method":"initialize","params":{"protocolVersion":"2025-06-18",)"
    R"("capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"}}})";

TEST(McpRequest, NegotiatesTheVersionOfInitialize) {
  const auto got = post(json_only, initialize);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->era, mcp_era::legacy);
  EXPECT_EQ(got->version, "2025-06-18");
  EXPECT_EQ(got->capabilities, R"({"roots":{}})");
  EXPECT_EQ(got->client_info, R"({"name":"c","version":"1"})");
  EXPECT_EQ(got->session_id, "");
  const auto bare = post(json_only, R"({"jsonrpc":"2.0","id":5,"method":"initialize",)"
                                    R"("params":{"protocolVersion":"1999-01-01"}})");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->version, "2025-11-25");
  EXPECT_EQ(bare->capabilities, "{}");
  expect_failure(post(json_only, R"({"jsonrpc":"2.0","id":5,"method":"initialize"})"),
                 error_code::invalid_params, 400);
}

TEST(McpRequest, WantsASessionAfterInitialize) {
  const std::string list = R"({"jsonrpc":"2.0","id":5,"method":"tools/list"})";
  const auto got = post(
      with(json_only, {{"Mcp-Session-Id", "abc"}, {"MCP-Protocol-Version", "2025-11-25"}}), list);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->session_id, "abc");
  EXPECT_EQ(got->version, "2025-11-25");
  EXPECT_EQ(value_of(post(with(json_only, {{"Mcp-Session-Id", "abc"}}), list)).version,
            "2025-03-26");
  expect_failure(post(json_only, list), error_code::invalid_request, 400);
  // It cannot be one of the node's, and a client that hears 404 begins anew.
  for (const auto& odd : std::vector<std::string>{"", "a b", "\xc3\xb6", std::string(257, 'x')})
    expect_failure(post(with(json_only, {{"Mcp-Session-Id", odd}}), list),
                   error_code::invalid_request, 404);
  expect_failure(
      post(with(json_only, {{"Mcp-Session-Id", "abc"}, {"MCP-Protocol-Version", "1999-01-01"}}),
           list),
      error_code::unsupported_version, 400);
}

TEST(McpRequest, EchoesTheIdOfARequestAndNeverThatOfAResponse) {
  const std::string answer = R"({"jsonrpc":"2.0","id":"s1","result":{}})";
  const std::string list = R"({"jsonrpc":"2.0","id":5,"method":"tools/list"})";
  expect_failure(post(json_only, answer), error_code::invalid_request, 400, "");
  expect_failure(post(json_only, list), error_code::invalid_request, 400);
  const auto twice = with(json_only, {{"Mcp-Session-Id", "abc"}, {"Mcp-Session-Id", "abc"}});
  expect_failure(post(twice, answer), error_code::header_mismatch, 400, "");
  expect_failure(post(twice, list), error_code::header_mismatch, 400);
}

TEST(McpRequest, TakesAnswersAndNotificationsOfALegacyClient) {
  const auto header = with(json_only, {{"Mcp-Session-Id", "abc"}});
  const auto answer = post(header, R"({"jsonrpc":"2.0","id":"s1","result":{"action":"accept"}})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->kind, message_kind::result);
  EXPECT_EQ(answer->result, R"({"action":"accept"})");
  const auto told = post(header, R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->kind, message_kind::notification);
}

TEST(McpRequest, KnowsTheNamesOfOtherLegacyMethods) {
  const auto header = with(json_only, {{"Mcp-Session-Id", "abc"}});
  const auto name = [&](const std::string& method, const std::string& params) {
    return value_of(post(header, modern_body(method, params))).name;
  };
  EXPECT_EQ(name("resources/subscribe", R"("uri":"t://a")"), "t://a");
  EXPECT_EQ(name("completion/complete", R"("ref":{"type":"ref/prompt","name":"p"})"), "p");
  EXPECT_EQ(name("completion/complete", R"("ref":{"type":"ref/resource","uri":"t://{x}"})"),
            "t://{x}");
  EXPECT_EQ(name("tools/list", R"("name":"x")"), "");
}

TEST(McpRequest, WantsJsonAndAClientThatTakesOneOfTheTwoTypes) {
  const std::string list = R"({"jsonrpc":"2.0","id":5,"method":"tools/list"})";
  const auto status = [&](const fields& header) {
    const auto got = post(header, list);
    return got ? 200 : got.error().status;
  };
  const fields session{{"Mcp-Session-Id", "abc"}};
  EXPECT_EQ(status(session), 415);
  EXPECT_EQ(status(with(session, {{"content-type", "text/plain"}})), 415);
  EXPECT_EQ(status(with(session, {{"content-type", "Application/JSON; charset=utf-8"}})), 200);
  const auto json = with(session, {{"Content-Type", "application/json"}});
  EXPECT_EQ(status(with(json, {{"Accept", "text/html"}})), 406);
  EXPECT_EQ(status(with(json, {{"Accept", "text/html, */*;q=0.1"}})), 200);
  EXPECT_EQ(status(with(json, {{"Accept", "text/event-stream"}})), 200);
}

TEST(McpRequest, ServesGetAndDeleteToSessionsOnly) {
  const auto get = [](const fields& header) { return read_get(http_fields::of(header)); };
  const auto remove = [](const fields& header) { return read_delete(http_fields::of(header)); };
  const fields session{{"Mcp-Session-Id", "abc"}, {"Accept", "text/event-stream"}};
  const auto got = get(with(session, {{"Last-Event-ID", "s1-2"}}));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->session_id, "abc");
  EXPECT_EQ(got->last_event_id, "s1-2");
  expect_failure(get(with(session, {{"MCP-Protocol-Version", "2026-07-28"}})),
                 error_code::invalid_request, 405, "");
  expect_failure(get({{"Accept", "text/event-stream"}}), error_code::invalid_request, 405, "");
  expect_failure(get({{"MCP-Protocol-Version", "2025-06-18"}}), error_code::invalid_request, 400,
                 "");
  expect_failure(get({{"Mcp-Session-Id", "abc"}, {"Accept", "application/json"}}),
                 error_code::invalid_request, 406, "");
  EXPECT_TRUE(remove({{"Mcp-Session-Id", "abc"}}));
  expect_failure(remove({}), error_code::invalid_request, 400, "");
  expect_failure(remove({{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Session-Id", "abc"}}),
                 error_code::invalid_request, 405, "");
}

// -- stdio --------------------------------------------------------------------

TEST(McpRequest, TellsTheErasApartOnALine) {
  const auto modern = read_line(modern_body("tools/call", R"("name":"echo",)" + meta), "");
  ASSERT_TRUE(modern) << modern.error().message;
  EXPECT_EQ(modern->era, mcp_era::modern);
  EXPECT_EQ(modern->name, "echo");
  const auto legacy = read_line(R"({"jsonrpc":"2.0","id":5,"method":"tools/list"})", "2025-06-18");
  ASSERT_TRUE(legacy);
  EXPECT_EQ(legacy->era, mcp_era::legacy);
  EXPECT_EQ(legacy->version, "2025-06-18");
  EXPECT_EQ(value_of(read_line(initialize, "")).version, "2025-06-18");
  expect_failure(read_line(R"({"jsonrpc":"2.0","id":5,"method":"server/discover"})", ""),
                 error_code::invalid_params, 400);
  expect_failure(read_line("nonsense", ""), error_code::parse_error, 400, "");
}

TEST(McpRequest, TakesOnlyTracesThatAreOne) {
  const auto trace = [](const std::string& text) {
    return value_of(read_line(modern_body("a", R"("_meta":{"traceparent":")" + text + R"("})"), ""))
        .trace_id;
  };
  EXPECT_EQ(trace("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"),
            "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(trace("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(trace("00-0AF7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"), "");
  EXPECT_EQ(trace("00-0af7651916cd43dd8448eb211c80319c"), "");
}

}  // namespace
}  // namespace greenroom::protocols::mcp
