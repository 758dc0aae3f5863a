// Params, results and errors between the eras.
#include "protocols/mcp/bridge.hpp"
#include "tests/unit/mcp/value_of.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace greenroom::protocols::mcp {
namespace {

request asked(const std::string& method, const std::string& params) {
  request result;
  result.kind = message_kind::request;
  result.method = method;
  result.params = params;
  return result;
}

const std::string modern_params =
    R"({"name":"git__log","arguments":{"a":1},"_meta":{"progressToken":"p",)"
    R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"traceparent":"t",)"
    R"("com.example/x":[1]},"inputResponses":{"k":{}},"requestState":"outer"})";

TEST(McpBridge, TakesWhatIsModernFromParamsForALegacyServer) {
  inner_request to;
  to.own_name = "log";
  to.token = "17";
  EXPECT_EQ(inner_params(asked("tools/call", modern_params), to),
            R"({"name":"log","arguments":{"a":1},)"
            R"("_meta":{"traceparent":"t","com.example/x":[1],"progressToken":17}})");
}

TEST(McpBridge, PutsWhatIsModernIntoParamsForAModernServer) {
  inner_request to;
  to.era = mcp_era::modern;
  to.version = "2026-07-28";
  to.capabilities = R"({"roots":{}})";
  to.state = "inner";
  EXPECT_EQ(
      inner_params(asked("tools/list", ""), to),
      R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
      R"("io.modelcontextprotocol/clientCapabilities":{"roots":{}}},"requestState":"inner"})");
  const auto params = inner_params(asked("tools/call", modern_params), to);
  EXPECT_NE(params.find(R"("inputResponses":{"k":{}})"), std::string::npos) << params;
  EXPECT_NE(params.find(R"("requestState":"inner")"), std::string::npos) << params;
  // The client's own token says nothing to the server.
  EXPECT_EQ(params.find("progressToken"), std::string::npos) << params;
  to.state.clear();
  EXPECT_EQ(inner_params(asked("tools/call", modern_params), to).find("requestState"),
            std::string::npos);
}

TEST(McpBridge, HasTheServersNamesInwards) {
  inner_request to;
  to.own_name = "own";
  EXPECT_EQ(inner_params(asked("prompts/get", R"({"name":"a"})"), to), R"({"name":"own"})");
  EXPECT_EQ(inner_params(asked("resources/read", R"({"uri":"a"})"), to), R"({"uri":"own"})");
  EXPECT_EQ(inner_params(asked("completion/complete",
                               R"({"ref":{"type":"ref/prompt","name":"a"},"argument":{}})"),
                         to),
            R"({"ref":{"type":"ref/prompt","name":"own"},"argument":{}})");
  EXPECT_EQ(inner_params(asked("completion/complete", R"({"ref":{"uri":"a"}})"), to),
            R"({"ref":{"uri":"own"}})");
  EXPECT_EQ(inner_params(asked("tools/list", R"({"cursor":"c"})"), to), R"({"cursor":"c"})");
}

constexpr std::string_view info = R"({"name":"s"})";

TEST(McpBridge, GivesModernClientsWhatALegacyResultHasNot) {
  EXPECT_EQ(outer_result(R"({"content":[]})", mcp_era::modern, info),
            R"({"content":[],"resultType":"complete",)"
            R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}}})");
  EXPECT_EQ(outer_result(R"({"_meta":{"a":1}})", mcp_era::modern, "", cache_hint{5, false}),
            R"({"_meta":{"a":1},"resultType":"complete","ttlMs":5,"cacheScope":"public"})");
  // What the server says holds.
  const std::string full = R"({"resultType":"input_required","ttlMs":9,"cacheScope":"private",)"
                           R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"own"}}})";
  EXPECT_EQ(outer_result(full, mcp_era::modern, info, cache_hint{5, false}), full);
}

TEST(McpBridge, TakesFromLegacyClientsWhatTheyDoNotKnow) {
  EXPECT_EQ(outer_result(R"({"tools":[],"resultType":"complete","ttlMs":9,"cacheScope":"private",)"
                         R"("_meta":{"io.modelcontextprotocol/serverInfo":{},"a":1}})",
                         mcp_era::legacy, info, cache_hint{}),
            R"({"tools":[],"_meta":{"a":1}})");
  EXPECT_EQ(
      outer_result(R"({"_meta":{"io.modelcontextprotocol/serverInfo":{}}})", mcp_era::legacy, info),
      "{}");
  EXPECT_EQ(outer_result(R"({ "spaces": 1 })", mcp_era::legacy, info), R"({ "spaces": 1 })");
}

TEST(McpBridge, TranslatesTheCodeOfAResourceThatIsNotFound) {
  const auto legacy = R"({"code":-32002,"message":"m","data":{"uri":"u"}})";
  EXPECT_EQ(outer_error(legacy, "resources/read", mcp_era::modern).code,
            error_code::invalid_params);
  EXPECT_EQ(outer_error(legacy, "resources/read", mcp_era::legacy).code,
            error_code::resource_not_found);
  const auto modern = R"({"code":-32602,"message":"m","data":{"uri":"u"}})";
  EXPECT_EQ(outer_error(modern, "resources/read", mcp_era::legacy).code,
            error_code::resource_not_found);
  EXPECT_EQ(outer_error(modern, "tools/call", mcp_era::legacy).code, error_code::invalid_params);
  EXPECT_EQ(outer_error(modern, "resources/read", mcp_era::modern).data, R"({"uri":"u"})");
}

TEST(McpBridge, KeepsErrorsThatAreTheClientsAndHidesThoseThatAreTheNodes) {
  const auto missing = R"({"code":-32021,"message":"m","data":{"requiredCapabilities":{}}})";
  EXPECT_EQ(outer_error(missing, "tools/call", mcp_era::modern).status, 400);
  EXPECT_EQ(outer_error(missing, "tools/call", mcp_era::legacy).code, error_code::internal_error);
  EXPECT_EQ(outer_error(R"({"code":-32022,"message":"m"})", "x", mcp_era::modern).code,
            error_code::internal_error);
  EXPECT_EQ(outer_error(R"({"code":-32601,"message":"m"})", "x", mcp_era::modern).status, 404);
  EXPECT_EQ(outer_error(R"({"code":-32601,"message":"m"})", "x", mcp_era::legacy).status, 200);
  const auto own = outer_error(R"({"code":7,"message":"own"})", "x", mcp_era::modern);
  EXPECT_EQ(static_cast<int>(own.code), 7);
  EXPECT_EQ(own.message, "own");
  EXPECT_EQ(own.status, 200);
}

TEST(McpBridge, KnowsTheTypesOfResults) {
  EXPECT_EQ(type_of("{}"), result_type::complete);
  EXPECT_EQ(type_of(R"({"resultType":"complete"})"), result_type::complete);
  EXPECT_EQ(type_of(R"({"resultType":"input_required"})"), result_type::input_required);
  EXPECT_EQ(type_of(R"({"resultType":"task"})"), result_type::task);
  EXPECT_EQ(type_of(R"({"resultType":"other"})"), result_type::unknown);
  EXPECT_EQ(type_of(R"({"resultType":7})"), result_type::unknown);
}

TEST(McpBridge, MergesCapabilitiesAndAlwaysAnnouncesChanges) {
  base::mcp_offer one, other;
  one.capabilities = R"({"tools":{},"completions":{}})";
  other.capabilities = R"({"resources":{"subscribe":true}})";
  const std::array<const base::mcp_offer*, 2> both{&one, &other};
  EXPECT_EQ(merged_capabilities(both, mcp_era::legacy, true),
            R"({"tools":{"listChanged":true},"prompts":{"listChanged":true},)"
            R"("resources":{"subscribe":true,"listChanged":true},"completions":{}})");
  EXPECT_NE(merged_capabilities({}, mcp_era::modern, true)
                .find(R"("extensions":{"io.modelcontextprotocol/tasks":{}})"),
            std::string::npos);
}

TEST(McpBridge, WritesTheNodesOwnAnswers) {
  const endpoint_facts facts{R"({"tools":{}})", std::string{info}, "Use it."};
  EXPECT_EQ(initialize_result("2025-06-18", facts),
            R"({"protocolVersion":"2025-06-18","capabilities":{"tools":{}},)"
            R"("serverInfo":{"name":"s"},"instructions":"Use it."})");
  EXPECT_EQ(discover_result(facts, {60000, true}),
            R"({"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],)"
            R"("capabilities":{"tools":{}},"instructions":"Use it.","resultType":"complete",)"
            R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}},)"
            R"("ttlMs":60000,"cacheScope":"private"})");
  EXPECT_EQ(list_result(base::mcp_list::templates, {"{}", R"({"a":1})"}, "c"),
            R"({"resourceTemplates":[{},{"a":1}],"nextCursor":"c"})");
  EXPECT_EQ(list_result(base::mcp_list::tools, {}, ""), R"({"tools":[]})");
  EXPECT_EQ(outer_progress(R"({"progressToken":1,"progress":2})", R"("p")"),
            R"({"progressToken":"p","progress":2})");
}

TEST(McpBridge, WritesQuestionsSoThatTheyAreReadAgain) {
  const std::vector<input_request> questions{{"a\"", "elicitation/create", R"({"message":"m"})"},
                                             {"b", "roots/list", ""}};
  const auto result = input_required_result(questions, "s");
  EXPECT_EQ(type_of(result), result_type::input_required);
  EXPECT_EQ(input_requests_in(result), questions);
  EXPECT_NE(result.find(R"("requestState":"s")"), std::string::npos);
  EXPECT_EQ(input_required_result({}, "s"),
            R"({"resultType":"input_required","requestState":"s"})");
  // What no client can be asked, and what is malformed.
  EXPECT_TRUE(input_requests_in(R"({"inputRequests":{"a":{"method":"tools/call"},"b":7,)"
                                R"("c":{"method":"roots/list","params":[]}}})")
                  .empty());
}

TEST(McpBridge, TakesAnswersThatAreObjects) {
  const auto some = input_responses_in(R"({"inputResponses":{"a":{"x":1},"b":12345,"c":null}})");
  EXPECT_EQ(value_of(some), (std::vector<input_response>{{"a", R"({"x":1})"}}));
  EXPECT_TRUE(value_of(input_responses_in("{}")).empty());
  EXPECT_FALSE(input_responses_in(R"({"inputResponses":null})"));
  EXPECT_FALSE(input_responses_in(R"({"inputResponses":[]})"));
}

}  // namespace
}  // namespace greenroom::protocols::mcp
