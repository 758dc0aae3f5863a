// The wire formats of workers, without any process: what is said, and how it is understood however
// the bytes arrive.
#include "protocols/json_text.hpp"
#include "protocols/msgpack_json.hpp"
#include "protocols/task.hpp"
#include "protocols/worker_jsonl.hpp"
#include "protocols/worker_mcp.hpp"
#include "protocols/worker_msgpack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <vector>

namespace greenroom::protocols {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Everything that was told, as one line each.
class ear final : public worker_listener {
public:
  void on_message(const worker_message& said) override {
    constexpr const char* words[] = {"ready", "result",  "error", "chunk",
                                     "pong",  "ignored", "reply", "nonsense"};
    std::string line = words[static_cast<std::size_t>(said.word)];
    if (!said.id.empty()) line += " " + std::string{said.id};
    if (!said.text.empty()) line += ": " + std::string{said.text};
    if (said.retryable) line += " (retryable)";
    heard.push_back(std::move(line));
  }
  std::vector<std::string> heard;
};

using maker = std::function<std::unique_ptr<worker_codec>()>;
const maker jsonl = [] { return make_jsonl_codec(1000); };
const maker msgpack_format = [] { return make_msgpack_codec(1000); };
const maker mcp = [] { return make_mcp_codec(1000); };

std::vector<std::string> hears(const maker& make, std::string_view bytes) {
  ear whole;
  make()->feed(bytes, whole);
  // Wherever the bytes are cut, the same is heard.
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    ear halves;
    const auto codec = make();
    codec->feed(bytes.substr(0, cut), halves);
    codec->feed(bytes.substr(cut), halves);
    EXPECT_EQ(halves.heard, whole.heard) << "cut at " << cut;
  }
  ear single;
  const auto codec = make();
  for (std::size_t i = 0; i < bytes.size(); ++i) codec->feed(bytes.substr(i, 1), single);
  EXPECT_EQ(single.heard, whole.heard);
  return whole.heard;
}

std::string msgpack_frame(std::string_view json) {
  std::string body;
  EXPECT_TRUE(append_msgpack(body, json));
  const auto size = body.size();
  std::string result;
  for (int shift = 24; shift >= 0; shift -= 8) result.push_back(static_cast<char>(size >> shift));
  return result + body;
}

TEST(MsgpackCodec, TellsOfAnOutputThatIsTooLongAsTextAndGoesOn) {
  // Ten control characters are ten bytes over the wire and sixty as JSON.
  const auto controls = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "\\u0001";
    return R"({"type":"result","id":"a","output":["x",")" + text + R"("]})";
  };
  const auto heard =
      hears(msgpack_format, msgpack_frame(controls(160)) + msgpack_frame(controls(170))
                                + msgpack_frame(R"({"type":"pong"})"));
  ASSERT_EQ(heard.size(), 3U);
  EXPECT_THAT(heard[0], HasSubstr("result a: [\"x\",\"\\u0001"));
  EXPECT_THAT(heard[1], HasSubstr("error a: "));
  EXPECT_THAT(heard[1], HasSubstr("limits.output_bytes"));
  EXPECT_EQ(heard[2], "pong");
}

constexpr std::string_view conversation[] = {
    R"({"type":"ready"})",
    R"({"type":"result","id":"a1","output":{"x":[1,-2,2.5,"\u00e4\"\n",true,null]}})",
    R"({"output":"first","id":"a2","type":"result"})",
    R"({"type":"result","id":"a3"})",
    R"({"type":"error","id":"a4","message":"no \"such\" thing","retryable":true})",
    R"({"type":"chunk","id":"a5","text":"piece"})",
    R"({"type":"pong","extra":{"deep":[[[]]]}})",
};
const std::vector<std::string> understood{
    "ready",
    "result a1: {\"x\":[1,-2,2.5,\"ä\\\"\\n\",true,null]}",
    "result a2: \"first\"",
    "result a3: null",
    "error a4: no \"such\" thing (retryable)",
    "chunk a5: piece",
    "pong",
};

TEST(JsonlCodec, UnderstandsEveryMessageHoweverItArrives) {
  std::string bytes;
  for (const auto line : conversation) bytes += std::string{line} + "\r\n\n";
  auto expected = understood;
  // Raw text is passed on as it is, escapes and all.
  expected[1] = "result a1: {\"x\":[1,-2,2.5,\"\\u00e4\\\"\\n\",true,null]}";
  EXPECT_EQ(hears(jsonl, bytes), expected);
}

TEST(MsgpackCodec, UnderstandsEveryMessageHoweverItArrives) {
  std::string bytes;
  for (const auto line : conversation) bytes += msgpack_frame(line);
  EXPECT_EQ(hears(msgpack_format, bytes), understood);
}

TEST(JsonlCodec, HearsNothingAfterNonsense) {
  for (const auto* const nonsense :
       {"hello", "{}", "[1]", R"({"type":"ready"} x)", R"({"type":1})", R"({"type":"task"})",
        R"({"type":"result","id":7,"output":1})", R"({"type":"result","id":"a","output":})",
        R"({"type":"error","id":"a","message":{}})", "\x01", "{\"type\":\"\xff\"}"}) {
    const auto heard = hears(jsonl, std::string{nonsense} + "\n{\"type\":\"ready\"}\n");
    ASSERT_EQ(heard.size(), 1U) << nonsense;
    EXPECT_THAT(heard.front(), HasSubstr("nonsense")) << nonsense;
  }
}

TEST(MsgpackCodec, HearsNothingAfterNonsense) {
  using namespace std::string_literals;
  const auto raw = [](const std::string& body) {
    return "\0\0\0"s + static_cast<char>(body.size()) + body;
  };
  for (const auto& nonsense :
       {"\0\0\0\0"s, raw("\xc0"), raw("\x91\xa1x"), raw("\x80\x80"), raw("\xc1"),
        raw("\x81\xa4type"), raw("\x81\xa4type\xa3odd"), raw("\x81\xa4type\x07"),
        raw("\x81\x07\x07"), raw("\x82\xa4type\xa6result\xa6output\xd4\x01x"),
        raw("\x81\xa4type\xa1\xff"), raw("\x82\xa4type\xa6result\xa6output\x81\x90\x01"),
        "\xff\xff\xff\xff"s}) {
    const auto heard = hears(msgpack_format, nonsense + msgpack_frame(R"({"type":"ready"})"));
    ASSERT_EQ(heard.size(), 1U) << ::testing::PrintToString(nonsense);
    EXPECT_THAT(heard.front(), HasSubstr("nonsense"));
  }
}

TEST(JsonlCodec, TakesALineOfTheLengthAllowedAndNoLonger) {
  const auto line = [](std::size_t length) {
    std::string result = R"({"type":"ready","x":")";
    result.append(length - result.size() - 2, 'x');
    return result + "\"}\n";
  };
  EXPECT_THAT(hears(jsonl, line(1000)), ElementsAre("ready"));
  EXPECT_THAT(hears(jsonl, line(1001)), ElementsAre("nonsense: a line longer than allowed"));
  EXPECT_THAT(hears(jsonl, std::string(1001, ' ')),
              ElementsAre("nonsense: a line longer than allowed"));
}

TEST(MsgpackCodec, TakesAFrameOfTheLengthAllowedAndNoLonger) {
  const auto with = [](std::size_t length) {
    return msgpack_frame(R"({"type":"ready","x":")" + std::string(length - 17, 'x') + "\"}");
  };
  EXPECT_EQ(with(1000).size(), 1004U);
  EXPECT_THAT(hears(msgpack_format, with(1000)), ElementsAre("ready"));
  EXPECT_THAT(hears(msgpack_format, with(1001)),
              ElementsAre("nonsense: a frame longer than allowed"));
}

TEST(JsonlCodec, SendsATaskOnOneLineWithoutTouchingItsInput) {
  std::string out;
  const auto codec = make_jsonl_codec(1000);
  EXPECT_EQ(codec->add_task(out, "id-1", "{\n \"a\" : [1.50,\r\n \"\\n\"] }", 250), "");
  EXPECT_EQ(out,
            "{\"type\":\"task\",\"id\":\"id-1\",\"input\":{  \"a\" : [1.50,   \"\\n\"] },"
            "\"timeout_ms\":250}\n");
}

TEST(MsgpackCodec, SendsATaskThatReadsTheSame) {
  std::string out;
  const auto codec = make_msgpack_codec();
  EXPECT_EQ(codec->add_task(out, "id-1", R"({"a":[1,{"b":"\u00e4"}]})", 250), "");
  EXPECT_EQ(codec->add_task(out, "id-2", "{", 250), "the input is not valid JSON");
  std::string json;
  ASSERT_TRUE(append_json(json, std::string_view{out}.substr(4)));
  EXPECT_EQ(json,
            "{\"type\":\"task\",\"id\":\"id-1\",\"input\":{\"a\":[1,{\"b\":\"ä\"}]},"
            "\"timeout_ms\":250}");
}

TEST(MsgpackCodec, RefusesAnInputThatFitsNoFrame) {
  std::string out = "before";
  const auto codec = make_msgpack_codec();
  EXPECT_THAT(
      codec->add_task(out, "id", "\"" + std::string(msgpack_frame_bytes_max, 'x') + "\"", 1),
      HasSubstr("16 MiB"));
  EXPECT_EQ(out, "before");
}

TEST(MsgpackJson, KeepsNumbersAndMakesTextOfTheRest) {
  const auto there_and_back = [](std::string_view json) {
    std::string packed, result;
    EXPECT_TRUE(append_msgpack(packed, json));
    EXPECT_TRUE(append_json(result, packed));
    return result;
  };
  for (const auto* const same :
       {"0", "-1", "127", "128", "-129", "65536", "18446744073709551615", "-9223372036854775808",
        "0.1", "1e+300", "-2.5", "true", "null", "\"\"", "[]", "{}", R"([[],{"a":{}}])"})
    EXPECT_EQ(there_and_back(same), same);
  EXPECT_EQ(there_and_back("5.0"), "5.0");
  EXPECT_EQ(there_and_back("1e999"), "null");
  EXPECT_EQ(there_and_back("18446744073709551616"), "18446744073709551616.0");
  using namespace std::string_literals;
  std::string result;
  EXPECT_TRUE(append_json(result, "\x82\x07\xc4\x02hi\xff\xc4\x03hey"s));
  EXPECT_EQ(result, R"({"7":"aGk=","-1":"aGV5"})");
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
        hears(mcp, R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":")" + std::string{version}
                       + "\",\"capabilities\":{}}}\n"),
        ElementsAre("reply: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n",
                    "ready"));
  EXPECT_THAT(
      hears(mcp,
            "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"1999-01-01\"}}\n"),
      ElementsAre("nonsense: MCP version 1999-01-01, which this node does not speak"));
  EXPECT_THAT(
      hears(mcp, "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":1,\"message\":\"no\"}}\n"),
      ElementsAre("nonsense: a refusal to initialize: no"));
}

TEST(McpCodec, UnderstandsAnswersRequestsAndNotifications) {
  EXPECT_THAT(hears(mcp,
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
                          "ignored", "reply: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}\n",
                          "ignored", "pong"));
}

TEST(McpCodec, HearsNothingAfterNonsense) {
  for (const auto* const nonsense :
       {"Server running on stdio", "{}", R"({"jsonrpc":"1.0","id":1,"result":1})",
        R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0","result":1})",
        R"({"jsonrpc":"2.0","id":1,"result":1,"error":{}})",
        R"({"jsonrpc":"2.0","id":[1],"method":"ping"})"}) {
    const auto heard = hears(mcp, std::string{nonsense} + "\n");
    ASSERT_EQ(heard.size(), 1U) << nonsense;
    EXPECT_THAT(heard.front(), HasSubstr("nonsense")) << nonsense;
  }
}

TEST(McpCodec, SendsToolsAndMethods) {
  const auto codec = make_mcp_codec(1000);
  const auto sent = [&](std::string_view input) {
    std::string out;
    const auto why = codec->add_task(out, "12", input, 1000);
    return why.empty() ? out : why;
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

TEST(WireName, TellsTasksAndAttemptsApart) {
  const task_id id{0x0123456789abcdefULL, 0xfULL};
  EXPECT_EQ(wire_name(id, 1), "0123456789abcdef000000000000000f");
  EXPECT_EQ(wire_name(id, 1), to_string(id));
  EXPECT_EQ(wire_name(id, 3), "0123456789abcdef000000000000000f-3");
}

TEST(JsonText, AgreesWithAnotherParser) {
  for (const auto* const text : {"",
                                 " ",
                                 "1",
                                 "-",
                                 "-0",
                                 "01",
                                 "1.",
                                 ".5",
                                 "1e",
                                 "1e+",
                                 "1E-5",
                                 "tru",
                                 "true ",
                                 "nul",
                                 "\"",
                                 "\"\\\"",
                                 "\"\\x\"",
                                 "\"\\u12\"",
                                 "\"\\ud800\"",
                                 "\"\\ud800\\udc00\"",
                                 "\"\\udc00\"",
                                 "\"a\tb\"",
                                 "\"\x80\"",
                                 "\"\xc3\xa4\"",
                                 "\"\xc0\x80\"",
                                 "\"\xed\xa0\x80\"",
                                 "\"\xf4\x90\x80\x80\"",
                                 "\"\xf0\x9f\x98\x80\"",
                                 "[",
                                 "[]",
                                 "[1,]",
                                 "[,1]",
                                 "[1 2]",
                                 "{",
                                 "{}",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{a:1}",
                                 "{\"a\":1 \"b\":2}",
                                 "[1] x",
                                 "\"abcdefgh\\nabcdefghabcdefg\x01\"",
                                 "\"0123456789012345678901234567890\""})
    EXPECT_EQ(is_json(text), nlohmann::json::accept(text)) << text;
}

TEST(JsonText, RefusesToGoTooDeep) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(is_json(nested(json_depth_max)));
  EXPECT_FALSE(is_json(nested(json_depth_max + 1)));
  EXPECT_FALSE(is_json(std::string(10'000'000, '[')));
  std::string packed;
  EXPECT_FALSE(append_json(packed, std::string(1000, '\x91') + "\x01"));
}

TEST(JsonText, ReadsEscapesAndWritesThem) {
  std::string room, out;
  std::string_view text;
  EXPECT_TRUE(string_value(R"("\u00e4\ud83d\ude00\/\\\"\b\f\n\r\tx")", room, text));
  EXPECT_EQ(text, "ä😀/\\\"\b\f\n\r\tx");
  EXPECT_TRUE(append_json_string(out, text));
  EXPECT_EQ(out, R"("ä😀/\\\"\b\f\n\r\tx")");
  EXPECT_FALSE(append_json_string(out, "\xff"));
  EXPECT_EQ(json_string_of_any("a\xff\x01"), "\"a\xef\xbf\xbd\\u0001\"");
}

}  // namespace
}  // namespace greenroom::protocols
