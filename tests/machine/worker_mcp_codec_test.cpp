// The wire format of MCP servers, without any process.
#include "protocols/task.hpp"
#include "tests/machine/message_recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace greenroom::protocols {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What a server that speaks first is answered, message by message.
std::vector<std::string> talk(std::vector<std::string> lines) {
  message_recorder recorder;
  const auto codec = mcp();
  for (const auto& line : lines) codec->feed(line + "\n", recorder);
  return recorder.messages;
}

TEST(McpCodec, SkipsALongLineThatIsNoAnswer) {
  const std::string many(1000, 'x');
  EXPECT_THAT(
      messages_in(mcp, R"({"jsonrpc":"2.0","method":"notifications/message","params":{"data":")"
                           + many + "\"}}\n" + R"({"params":{"data":")" + many
                           + R"("},"method":"sampling/createMessage","jsonrpc":"2.0","id":7})"
                           + "\n" + many + "y\n" + R"({"jsonrpc":"2.0","id":7,"result":1})" + "\n"),
      ElementsAre(HasSubstr("stray: {"), HasSubstr("stray: {"), HasSubstr("stray: x"),
                  "result 7: 1"));
  EXPECT_THAT(messages_in(mcp, R"({"jsonrpc":"2.0","method":"x","params":{"error":NaN}})"
                               "\n"),
              ElementsAre(HasSubstr("stray: {")));
}

TEST(McpCodec, TellsALongListOfNoMessagesOnce) {
  EXPECT_THAT(messages_in(mcp, "[1,1,1,1]\n"), ElementsAre("stray: [1,1,1,1]"));
  EXPECT_THAT(messages_in(mcp, R"([1,{"jsonrpc":"2.0","id":1,"result":1},2])"
                               "\n"),
              ElementsAre("result 1: 1", "stray: 1"));
}

TEST(McpCodec, GreetsAndIsReadyWhenTheVersionIsKnown) {
  std::string hello;
  make_mcp_codec(1000)->greet(hello);
  const auto parsed = nlohmann::json::parse(hello);
  EXPECT_EQ(parsed["method"], "initialize");
  EXPECT_EQ(parsed["params"]["clientInfo"]["name"], "greenroom");
  EXPECT_TRUE(parsed["params"]["capabilities"].is_object());
  for (const auto* const version : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"})
    EXPECT_THAT(
        messages_in(mcp, R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":")"
                             + std::string{version} + "\",\"capabilities\":{}}}\n"),
        ElementsAre("reply: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n",
                    "ready"));
}

TEST(McpCodec, RunsServersOfEveryVersion) {
  for (const auto* const result :
       {R"({"protocolVersion":"2024-10-07"})", R"({"protocolVersion":"2031-01-01","x":1})", "{}"})
    EXPECT_EQ(talk({R"({"jsonrpc":"2.0","id":"0","result":)" + std::string{result} + "}"}).back(),
              "ready");
  EXPECT_EQ(talk({R"({"jsonrpc":"2.0","id":0,"result":{"capabilities":{"tools":{}}}})"}).back(),
            "tools_changed");
  // Another version is offered where the server names one.
  const auto older = talk({R"({"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"no",)"
                           R"("data":{"supported":["2024-10-07","2024-11-05"]}}})",
                           R"({"jsonrpc":"2.0","id":70000000001,"result":{}})"});
  ASSERT_EQ(older.size(), 3U);
  EXPECT_THAT(older[0],
              HasSubstr(R"("method":"initialize","params":{"protocolVersion":"2024-11-05")"));
  EXPECT_THAT(older[1], HasSubstr("notifications/initialized"));
  EXPECT_EQ(older[2], "ready");
}

TEST(McpCodec, DiscoversServersWithoutSessions) {
  message_recorder recorder;
  const auto codec = mcp();
  codec->feed(R"({"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"Method not found"}})"
              "\n",
              recorder);
  ASSERT_EQ(recorder.messages.size(), 1U);
  const auto asked = nlohmann::json::parse(recorder.messages.front().substr(7));
  EXPECT_EQ(asked["method"], "server/discover");
  EXPECT_EQ(asked["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
  codec->feed(R"({"jsonrpc":"2.0","id":70000000001,"result":{"supportedVersions":["2026-07-28"],)"
              R"("capabilities":{"tools":{}},"resultType":"complete"}})"
              "\n",
              recorder);
  EXPECT_EQ(recorder.messages[1], "ready");
  EXPECT_EQ(recorder.messages[2], "tools_changed");
  const auto sent = [&](std::string_view input) {
    std::string out;
    EXPECT_TRUE(codec->add_task(out, "12", input, 1000));
    return nlohmann::json::parse(out)["params"];
  };
  const std::string version = "io.modelcontextprotocol/protocolVersion";
  EXPECT_EQ(sent(R"({"tool":"echo","arguments":{"a":1}})")["_meta"][version], "2026-07-28");
  EXPECT_EQ(sent(R"({"method":"tools/list"})")["_meta"][version], "2026-07-28");
  const auto merged = sent(R"({"method":"x","params":{"a":1,"_meta":{"progressToken":7}}})");
  EXPECT_EQ(merged["a"], 1);
  EXPECT_EQ(merged["_meta"]["progressToken"], 7);
  EXPECT_EQ(merged["_meta"][version], "2026-07-28");
  std::string ping;
  EXPECT_TRUE(codec->add_ping(ping));
  EXPECT_EQ(nlohmann::json::parse(ping)["method"], "server/discover");
}

TEST(McpCodec, WaitsForInitializeThoughTheOtherGreetingIsRefused) {
  message_recorder recorder;
  const auto codec = mcp();
  std::string out;
  codec->greet(out);
  EXPECT_TRUE(codec->greet_again(out));
  EXPECT_FALSE(codec->greet_again(out));
  codec->feed(
      R"({"jsonrpc":"2.0","id":70000000001,"error":{"code":-32601,"message":"Method not found"}})"
      "\n"
      R"({"jsonrpc":"2.0","id":0,"result":{}})"
      "\n",
      recorder);
  ASSERT_EQ(recorder.messages.size(), 3U);
  EXPECT_EQ(recorder.messages[0], "ignored");
  EXPECT_EQ(recorder.messages[2], "ready");
}

TEST(McpCodec, TellsARefusalOnceNothingElseCanBeTried) {
  const auto no = [](const std::string& id) {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":1,"message":"no licence"}})";
  };
  const auto messages = talk({no("0"), no("70000000001")});
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_THAT(messages[0], HasSubstr("server/discover"));
  EXPECT_EQ(messages[1], "refusal: no licence");
}

TEST(McpCodec, UnderstandsAnswersRequestsAndNotifications) {
  EXPECT_THAT(
      messages_in(mcp,
                  "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"isError\":true,\"content\":[]}}\n"
                  "{\"jsonrpc\":\"2.0\",\"id\":\"8\",\"result\":null}\n"
                  "{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":-32602,\"message\":\"bad "
                  "\\\"x\\\"\"}}\n"
                  "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n"
                  "{\"jsonrpc\":\"2.0\",\"id\":\"s-1\",\"method\":\"roots/list\"}\n"
                  "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}\n"
                  "{\"jsonrpc\":\"2.0\",\"id\":90000000001,\"result\":{}}\n"),
      ElementsAre("result 7: {\"isError\":true,\"content\":[]}", "result 8: null",
                  "error 9: bad \"x\"", "ignored",
                  "reply: {\"jsonrpc\":\"2.0\",\"id\":\"s-1\",\"error\":{\"code\":-32601,"
                  "\"message\":\"Method not found\"}}\n",
                  "reply: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}\n", "pong"));
}

TEST(McpCodec, SkipsWhatIsNoMessageAndHearsWhatComesAfterIt) {
  for (const auto* const stray :
       {"Server running on stdio", "{}", "> server@1.0.0 start", "\x1b[33mwarning\x1b[39m",
        R"({"level":30,"time":1,"pid":7,"msg":"listening"})", R"({"level":"info","id":3})",
        R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0","result":1})",
        R"({"jsonrpc":"2.0","error":{"code":1,"message":"x"}})",
        R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}})",
        R"({"jsonrpc":"2.0","id":[1],"method":"ping"})", "[info] started", "[]", "{oops}",
        R"(received {"jsonrpc":"2.0","id":1,"method":"tools/call"})"}) {
    const auto messages =
        messages_in(mcp, std::string{stray} + "\n{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1}\n");
    ASSERT_EQ(messages.size(), 2U) << stray;
    EXPECT_THAT(messages.front(), HasSubstr("stray: ")) << stray;
    EXPECT_EQ(messages.back(), "result 7: 1") << stray;
  }
}

TEST(McpCodec, ReadsWhatIsMeantThoughItIsUntidy) {
  const auto one = [](const std::string& line) { return messages_in(mcp, line + "\n"); };
  EXPECT_THAT(one("\xef\xbb\xbf  {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1} \r"),
              ElementsAre("result 1: 1"));
  EXPECT_THAT(one(R"({"jsonrpc":"2.0","id":1.0,"result":{},"error":null,"extra":[1]})"),
              ElementsAre("result 1: {}"));
  EXPECT_THAT(one(R"({"jsonrpc":"2.0","id":"1","result":null,"error":{"message":"bad"}})"),
              ElementsAre("error 1: bad"));
  EXPECT_THAT(one(R"({"id":1e0,"result":2})"), ElementsAre("result 1: 2"));
  EXPECT_THAT(one(R"([{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","method":"x"}, 7])"),
              ElementsAre("result 1: 1", "ignored", "stray: 7"));
  EXPECT_THAT(one(R"({"jsonrpc":"2.0","id":1,"result":1}{"jsonrpc":"2.0","id":2,"result":2} ok)"),
              ElementsAre("result 1: 1", "result 2: 2", "stray: ok"));
  EXPECT_THAT(one(R"(loading{"jsonrpc":"2.0","id":1,"result":1})"),
              ElementsAre("stray: loading", "result 1: 1"));
  EXPECT_THAT(one(R"({"jsonrpc":"2.0","id":1,"result":"cut \ud83d"})"),
              ElementsAre(R"(result 1: "cut \ufffd")"));
  EXPECT_THAT(one("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\xff\"}"),
              ElementsAre("result 1: \"\xef\xbf\xbd\""));
  EXPECT_THAT(one(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"),
              ElementsAre("tools_changed"));
  EXPECT_THAT(one(R"({"jsonrpc":"2.0","id":80000000001,"result":{"tools":[]}})"),
              ElementsAre("tools: {\"tools\":[]}"));
}

TEST(McpCodec, TellsWhoseAnswerIsNoJsonOrTooLong) {
  const auto messages = messages_in(mcp, R"({"jsonrpc":"2.0","id":7,"result":NaN})"
                                         "\n"
                                         R"({"result":{"x":Infinity},"jsonrpc":"2.0","id":8})"
                                         "\n"
                                         R"({"result":{"a":},"jsonrpc":"2.0","id":9})"
                                         "\n");
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_THAT(messages[0], HasSubstr("broken 7: NaN or Infinity"));
  EXPECT_THAT(messages[1], HasSubstr("broken 8: NaN or Infinity"));
  EXPECT_THAT(messages[2], HasSubstr("broken 9: something that is not JSON"));
  const std::string many(1000, 'x');
  EXPECT_THAT(messages_in(mcp, R"({"result":{"id":4,"x":")" + many
                                   + R"("},"jsonrpc":"2.0","id":"9"})"
                                     "\n"
                                     R"({"jsonrpc":"2.0","id":7,"result":")"
                                   + many + "\"}\n"),
              ElementsAre(HasSubstr("too_long 9 of"), HasSubstr("too_long 7 of")));
}

TEST(McpCodec, SendsToolsAndMethods) {
  const auto codec = make_mcp_codec(1000);
  const auto sent = [&](std::string_view input) {
    std::string out;
    const auto added = codec->add_task(out, "12", input, 1000);
    return added ? out : added.error().text;
  };
  EXPECT_EQ(
      sent("{\"tool\":\"echo\",\"arguments\":{\"a\":\n1}}"),
      "{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
      "\"arguments\":{\"a\": 1}}}\n");
  EXPECT_THAT(sent(R"({"tool":"echo"})"), HasSubstr("\"arguments\":{}}}\n"));
  EXPECT_EQ(sent(R"({"method":"tools/list","params":{}})"),
            "{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"tools/list\",\"params\":{}}\n");
  EXPECT_EQ(sent(R"({"method":"tools/list"})"),
            "{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"tools/list\"}\n");
  for (const auto* const odd : {"1", "{}", R"({"tool":1})", R"({"tool":"a","method":"b"})"})
    EXPECT_THAT(sent(odd), HasSubstr("the input of an MCP server is")) << odd;
  EXPECT_THAT(sent(R"({"tool":"a","arguments":[]})"), HasSubstr("an object"));
  std::string out;
  EXPECT_TRUE(codec->add_cancel(out, "12"));
  EXPECT_EQ(nlohmann::json::parse(out)["params"]["requestId"], 12);
}

}  // namespace
}  // namespace greenroom::protocols
