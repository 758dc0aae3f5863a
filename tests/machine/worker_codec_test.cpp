// The wire formats of workers, without any process: what is said, and how it is understood however
// the bytes arrive.
#include "protocols/base/json_text.hpp"
#include "protocols/msgpack_json.hpp"
#include "protocols/task.hpp"
#include "protocols/worker_jsonl.hpp"
#include "protocols/worker_line.hpp"
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
    constexpr const char* words[] = {"ready",         "result", "error",    "chunk",   "pong",
                                     "ignored",       "reply",  "stray",    "broken",  "too_long",
                                     "tools_changed", "tools",  "no_tools", "refusal", "nonsense"};
    std::string line = words[static_cast<std::size_t>(said.word)];
    if (!said.id.empty()) line += " " + std::string{said.id};
    if (!said.text.empty()) line += ": " + std::string{said.text};
    if (said.retryable) line += " (retryable)";
    if (said.word == worker_word::too_long) line += " of " + std::to_string(said.bytes);
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

TEST(JsonlCodec, SkipsWhatIsNoMessageAndHearsWhatComesAfterIt) {
  for (const auto* const stray :
       {"hello", "{}", "[1]", R"({"type":1})", R"({"type":"task"})", "\x01",
        R"({"type":"log","level":"info"})", "> start", "\x1b[32mstarted\x1b[0m", "{oops",
        R"({"level":"info","msg":"{\"type\":\"ready\"}"})"}) {
    const auto heard = hears(jsonl, std::string{stray} + "\n{\"type\":\"ready\"}\n");
    ASSERT_EQ(heard.size(), 2U) << stray;
    EXPECT_THAT(heard.front(), HasSubstr("stray")) << stray;
    EXPECT_EQ(heard.back(), "ready") << stray;
  }
}

TEST(JsonlCodec, ReadsWhatIsMeantThoughItIsUntidy) {
  const std::string result = R"({"type":"result","id":"a","output":1})";
  for (const auto& untidy :
       {"\xef\xbb\xbf" + result, "  \t" + result + " \r", "\x1b[0m" + result + "\x1b[0m",
        "\x1b]0;title\x07" + result, result + "\r"})
    EXPECT_THAT(hears(jsonl, untidy + "\n"), ElementsAre("result a: 1")) << untidy;
  EXPECT_THAT(hears(jsonl, "loading... " + result + "\n"),
              ElementsAre("result a: 1", "stray: loading... "));
  EXPECT_THAT(hears(jsonl, "{\"type\":\"error\",\"id\":\"a\",\"message\":{\"code\":7}}\n"),
              ElementsAre("error a: {\"code\":7}"));
  EXPECT_THAT(hears(jsonl, "{\"type\":\"result\",\"id\":\"a\",\"output\":\"x\xe4y\"}\n"),
              ElementsAre("result a: \"x\xef\xbf\xbdy\""));
  EXPECT_THAT(hears(jsonl, R"({"type":"result","id":"a","output":"cut \ud83d"})"
                           "\n"),
              ElementsAre(R"(result a: "cut \ufffd")"));
}

TEST(JsonlCodec, TellsWhoseAnswerIsNoJson) {
  const auto heard = hears(jsonl, R"({"type":"result","id":"a","output":[NaN,-Infinity]})"
                                  "\n"
                                  R"({"type":"result","output":{"a":},"id":"b"})"
                                  "\n"
                                  R"({"type":"result","output":{"id":"c","a":}})"
                                  "\n");
  ASSERT_EQ(heard.size(), 3U);
  EXPECT_THAT(heard[0], HasSubstr("broken a: NaN or Infinity"));
  EXPECT_THAT(heard[1], HasSubstr("broken b: something that is not JSON from byte 32 on: «{"));
  EXPECT_THAT(heard[2], HasSubstr("broken: "));
}

TEST(MsgpackCodec, SkipsFramesThatAreNoMessages) {
  using namespace std::string_literals;
  const auto raw = [](const std::string& body) {
    return "\0\0\0"s + static_cast<char>(body.size()) + body;
  };
  for (const auto& stray :
       {"\0\0\0\0"s, raw("\xc0"), raw("\x91\xa1x"), raw("\x80\x80"), raw("\xc1"),
        raw("\x81\xa4type"), raw("\x81\xa4type\xa3odd"), raw("\x81\xa4type\x07"),
        raw("\x81\x07\x07"), raw("\x81\xa4type\xa1\xff"), "hello\n"s, "ok\n"s, "no line's end"s,
        "\x1b[1mbold\x1b[0m \xc3\xa4\n"s}) {
    const auto heard = hears(msgpack_format, stray + msgpack_frame(R"({"type":"ready"})"));
    ASSERT_EQ(heard.size(), 2U) << ::testing::PrintToString(stray);
    EXPECT_THAT(heard.front(), HasSubstr("stray"));
    EXPECT_EQ(heard.back(), "ready");
  }
  for (const auto& broken : {raw("\x83\xa2id\xa1"
                                 "a\xa4type\xa6result\xa6output\xd4\x01x"),
                             raw("\x83\xa2id\xa1"
                                 "a\xa4type\xa6result\xa6output\x81\x90\x01")}) {
    const auto heard = hears(msgpack_format, broken);
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_THAT(heard.front(), HasSubstr("broken a: "));
    EXPECT_THAT(heard.front(), HasSubstr(": 83 a2 69 64"));
  }
  EXPECT_THAT(hears(msgpack_format, raw("\x83\xa2id\xa1"
                                        "a\xa4type\xa6result\xa6output\xa1\xff")),
              ElementsAre("result a: \"\xef\xbf\xbd\""));
}

TEST(MsgpackCodec, HearsNothingAfterALengthThatIsNone) {
  using namespace std::string_literals;
  const auto heard =
      hears(msgpack_format, "\xff\xfe\xfd\xfc"s + msgpack_frame(R"({"type":"ready"})"));
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_THAT(heard.front(), HasSubstr("nonsense: a frame of 4294901244 bytes"));
  EXPECT_THAT(heard.front(), HasSubstr("ff fe fd fc"));
}

TEST(JsonlCodec, SkipsALineThatIsTooLongAndSaysWhose) {
  const auto line = [](std::size_t length) {
    std::string result = R"({"type":"ready","x":")";
    result.append(length - result.size() - 2, 'x');
    return result + "\"}\n";
  };
  EXPECT_THAT(hears(jsonl, line(1000)), ElementsAre("ready"));
  const std::string many(1000, 'x');
  const std::string first = R"({"type":"result","id":"a","output":")" + many + "\"}\n";
  const std::string last =
      R"({"type":"result","output":{"id":"b","x":")" + many + "\"},\"id\":\"a\"}\n";
  EXPECT_THAT(
      hears(jsonl, line(1001) + first + last + line(40)),
      ElementsAre(HasSubstr("stray: {"), "too_long a of 1038", "too_long a of 1053", "ready"));
  // What was printed answers nothing, and the only task that is open must not pay for it.
  EXPECT_THAT(
      hears(jsonl, "DEBUG " + many + "\n" + R"({"type":"log","id":"a","text":")" + many + "\"}\n"
                       + R"({"output":")" + many + "\",\"type\":\"result\"}\nlog " + first),
      ElementsAre(HasSubstr("stray: DEBUG"), HasSubstr("stray: {"), "too_long of 1029",
                  HasSubstr("too_long a of")));
}

TEST(McpCodec, SkipsALongLineThatIsNoAnswer) {
  const std::string many(1000, 'x');
  EXPECT_THAT(
      hears(mcp, R"({"jsonrpc":"2.0","method":"notifications/message","params":{"data":")" + many
                     + "\"}}\n" + R"({"params":{"data":")" + many
                     + R"("},"method":"sampling/createMessage","jsonrpc":"2.0","id":7})" + "\n"
                     + many + "y\n" + R"({"jsonrpc":"2.0","id":7,"result":1})" + "\n"),
      ElementsAre(HasSubstr("stray: {"), HasSubstr("stray: {"), HasSubstr("stray: x"),
                  "result 7: 1"));
  EXPECT_THAT(hears(mcp, R"({"jsonrpc":"2.0","method":"x","params":{"error":NaN}})"
                         "\n"),
              ElementsAre(HasSubstr("stray: {")));
}

TEST(Codecs, RefuseANumberThatNoDoubleHolds) {
  EXPECT_THAT(hears(jsonl, R"({"type":"result","id":"a","output":[1e999]})"
                           "\n"
                           R"({"type":"result","id":"b","output":1e300,"cost":1e999})"
                           "\n"),
              ElementsAre(HasSubstr("broken a: the number 1e999, which is too large for a double"),
                          "result b: 1e300"));
  EXPECT_THAT(hears(mcp, R"({"jsonrpc":"2.0","id":7,"result":-1e999})"
                         "\n"
                         R"([{"jsonrpc":"2.0","id":8,"result":1e999}])"
                         "\n"),
              ElementsAre(HasSubstr("broken 7: the number -1e999"), HasSubstr("broken 8: ")));
}

TEST(JsonlCodec, ReadsSeveralMessagesInARowAndSaysWhatIsWrong) {
  const std::string result = R"({"type":"result","id":"a","output":1})";
  EXPECT_THAT(hears(jsonl, result + R"({"type":"pong"})" + "\n"),
              ElementsAre("result a: 1", "pong"));
  EXPECT_THAT(hears(jsonl, result + " // done\n"), ElementsAre("result a: 1", "stray: // done"));
  const std::string deep = R"({"type":"result","id":"a","output":)" + std::string(300, '[')
                           + std::string(300, ']') + "}\n";
  EXPECT_THAT(
      hears(jsonl, deep),
      ElementsAre(HasSubstr("broken a: something that is nested more than 128 levels deep")));
  EXPECT_THAT(fault_of("1 2"), HasSubstr("goes on behind its end, from byte 3 on"));
}

TEST(McpCodec, TellsALongListOfNoMessagesOnce) {
  EXPECT_THAT(hears(mcp, "[1,1,1,1]\n"), ElementsAre("stray: [1,1,1,1]"));
  EXPECT_THAT(hears(mcp, R"([1,{"jsonrpc":"2.0","id":1,"result":1},2])"
                         "\n"),
              ElementsAre("result 1: 1", "stray: 1"));
}

TEST(Codecs, GiveUpALineThatDoesNotEnd) {
  const std::string piece(std::size_t{1} << 20, 'x');
  for (const auto& make : {jsonl, mcp}) {
    ear heard;
    const auto codec = make();
    for (int i = 0; i < 70; ++i) codec->feed(piece, heard);
    EXPECT_THAT(heard.heard, ElementsAre("nonsense: a line of more than 67108864 bytes that does "
                                         "not end"));
  }
}

TEST(Codecs, TakeAWholeMessageThatLacksItsLinesEnd) {
  const auto last = [](const maker& make, std::string_view bytes) {
    ear heard;
    const auto codec = make();
    codec->feed(bytes, heard);
    EXPECT_TRUE(heard.heard.empty());
    codec->finish(heard);
    return heard.heard;
  };
  EXPECT_THAT(last(jsonl, R"({"type":"result","id":"a","output":1})"), ElementsAre("result a: 1"));
  EXPECT_THAT(last(mcp, R"({"jsonrpc":"2.0","id":7,"result":1})"), ElementsAre("result 7: 1"));
  EXPECT_THAT(last(jsonl, R"({"type":"result","id":"a","out)"), ElementsAre(HasSubstr("stray: ")));
}

TEST(MsgpackCodec, SkipsAFrameThatIsTooLongAndSaysWhose) {
  const auto with = [](std::size_t length) {
    return msgpack_frame(R"({"type":"ready","x":")" + std::string(length - 17, 'x') + "\"}");
  };
  EXPECT_EQ(with(1000).size(), 1004U);
  EXPECT_THAT(hears(msgpack_format, with(1000)), ElementsAre("ready"));
  const auto long_one =
      msgpack_frame(R"({"type":"result","id":"a","output":")" + std::string(1000, 'x') + "\"}");
  EXPECT_THAT(hears(msgpack_format, with(1001) + long_one + with(30)),
              ElementsAre(HasSubstr("stray: "), "too_long a of 1028", "ready"));
}

TEST(JsonlCodec, SendsATaskOnOneLineWithoutTouchingItsInput) {
  std::string out;
  const auto codec = make_jsonl_codec(1000);
  EXPECT_TRUE(codec->add_task(out, "id-1", "{\n \"a\" : [1.50,\r\n \"\\n\"] }", 250));
  EXPECT_EQ(out,
            "{\"type\":\"task\",\"id\":\"id-1\",\"input\":{  \"a\" : [1.50,   \"\\n\"] },"
            "\"timeout_ms\":250}\n");
}

TEST(MsgpackCodec, SendsATaskThatReadsTheSame) {
  std::string out;
  const auto codec = make_msgpack_codec();
  EXPECT_TRUE(codec->add_task(out, "id-1", R"({"a":[1,{"b":"\u00e4"}]})", 250));
  EXPECT_EQ(codec->add_task(out, "id-2", "{", 250).error().text, "the input is not valid JSON");
  std::string json;
  ASSERT_TRUE(append_json(json, std::string_view{out}.substr(4)));
  EXPECT_EQ(json,
            "{\"type\":\"task\",\"id\":\"id-1\",\"input\":{\"a\":[1,{\"b\":\"ä\"}]},"
            "\"timeout_ms\":250}");
}

TEST(MsgpackCodec, RefusesAnInputThatFitsNoFrame) {
  std::string out = "before";
  const auto codec = make_msgpack_codec();
  EXPECT_THAT(codec->add_task(out, "id", "\"" + std::string(msgpack_frame_bytes_max, 'x') + "\"", 1)
                  .error()
                  .text,
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
}

/// What a server that speaks first is answered, message by message.
std::vector<std::string> talk(std::vector<std::string> lines) {
  ear heard;
  const auto codec = mcp();
  for (const auto& line : lines) codec->feed(line + "\n", heard);
  return heard.heard;
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
  ear heard;
  const auto codec = mcp();
  codec->feed(R"({"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"Method not found"}})"
              "\n",
              heard);
  ASSERT_EQ(heard.heard.size(), 1U);
  const auto asked = nlohmann::json::parse(heard.heard.front().substr(7));
  EXPECT_EQ(asked["method"], "server/discover");
  EXPECT_EQ(asked["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
  codec->feed(R"({"jsonrpc":"2.0","id":70000000001,"result":{"supportedVersions":["2026-07-28"],)"
              R"("capabilities":{"tools":{}},"resultType":"complete"}})"
              "\n",
              heard);
  EXPECT_EQ(heard.heard[1], "ready");
  EXPECT_EQ(heard.heard[2], "tools_changed");
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
  ear heard;
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
      heard);
  ASSERT_EQ(heard.heard.size(), 3U);
  EXPECT_EQ(heard.heard[0], "ignored");
  EXPECT_EQ(heard.heard[2], "ready");
}

TEST(McpCodec, TellsARefusalOnceNothingElseCanBeTried) {
  const auto no = [](const std::string& id) {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":1,"message":"no licence"}})";
  };
  const auto heard = talk({no("0"), no("70000000001")});
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_THAT(heard[0], HasSubstr("server/discover"));
  EXPECT_EQ(heard[1], "refusal: no licence");
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
    const auto heard =
        hears(mcp, std::string{stray} + "\n{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":1}\n");
    ASSERT_EQ(heard.size(), 2U) << stray;
    EXPECT_THAT(heard.front(), HasSubstr("stray: ")) << stray;
    EXPECT_EQ(heard.back(), "result 7: 1") << stray;
  }
}

TEST(McpCodec, ReadsWhatIsMeantThoughItIsUntidy) {
  const auto one = [](const std::string& line) { return hears(mcp, line + "\n"); };
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
  const auto heard = hears(mcp, R"({"jsonrpc":"2.0","id":7,"result":NaN})"
                                "\n"
                                R"({"result":{"x":Infinity},"jsonrpc":"2.0","id":8})"
                                "\n"
                                R"({"result":{"a":},"jsonrpc":"2.0","id":9})"
                                "\n");
  ASSERT_EQ(heard.size(), 3U);
  EXPECT_THAT(heard[0], HasSubstr("broken 7: NaN or Infinity"));
  EXPECT_THAT(heard[1], HasSubstr("broken 8: NaN or Infinity"));
  EXPECT_THAT(heard[2], HasSubstr("broken 9: something that is not JSON"));
  const std::string many(1000, 'x');
  EXPECT_THAT(hears(mcp, R"({"result":{"id":4,"x":")" + many
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
    EXPECT_EQ(base::is_json(text), nlohmann::json::accept(text)) << text;
}

TEST(JsonText, PutsAReplacementWhereAPairIsCutInHalf) {
  const auto made = [](std::string text) {
    EXPECT_TRUE(base::make_json(text)) << text;
    EXPECT_TRUE(nlohmann::json::accept(text)) << text;
    return text;
  };
  EXPECT_EQ(made(R"("\ud83d")"), R"("\ufffd")");
  EXPECT_EQ(made(R"("\uDE00x\ud83d\u0041\ud83d\ude00\\ud83d")"),
            R"("\ufffdx\ufffd\u0041\ud83d\ude00\\ud83d")");
  EXPECT_EQ(made(R"({"\ud83d\ud83d\ude00":"\ud83d\n"})"), R"({"\ufffd\ud83d\ude00":"\ufffd\n"})");
  std::string broken = R"("\ud83d\u12")";
  EXPECT_FALSE(base::make_json(broken));
  std::string room;
  EXPECT_EQ(base::unescape(R"(a\ud83d)", room), "a\xef\xbf\xbd");
  EXPECT_EQ(base::unescape(R"(\ude00\ud83dz)", room), "\xef\xbf\xbd\xef\xbf\xbdz");
}

TEST(JsonText, KnowsNumbersBeyondADouble) {
  for (const auto* const fits :
       {"0", "1e308", "1.7976931348623157e308", "1e-999", "-12345678901234567890"})
    EXPECT_FALSE(base::beyond_double(fits)) << fits;
  for (const auto* const not_finite : {"1e999", "-1e309", "1.8E308"})
    EXPECT_TRUE(base::beyond_double(not_finite)) << not_finite;
  EXPECT_TRUE(base::beyond_double(std::string(310, '9')));
}

TEST(QuotedBytes, ShowWhatWasPrintedWithoutDoingIt) {
  EXPECT_EQ(quoted_bytes("ä\x1b[2J\n\xff\xc2\x9b"), "«ä\\x1b[2J\\x0a\\xff\\xc2\\x9b»");
  EXPECT_EQ(quoted_bytes(std::string(99, 'x') + "ä", 100), "«" + std::string(99, 'x') + "…»");
  EXPECT_EQ(hex_bytes("hi", 1), "68 …");
}

TEST(JsonText, RefusesToGoTooDeep) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(base::is_json(nested(base::json_depth_max)));
  EXPECT_FALSE(base::is_json(nested(base::json_depth_max + 1)));
  EXPECT_FALSE(base::is_json(std::string(10'000'000, '[')));
  std::string packed;
  EXPECT_FALSE(append_json(packed, std::string(1000, '\x91') + "\x01"));
}

TEST(JsonText, ReadsEscapesAndWritesThem) {
  std::string room, out;
  std::string_view text;
  EXPECT_TRUE(base::string_value(R"("\u00e4\ud83d\ude00\/\\\"\b\f\n\r\tx")", room, text));
  EXPECT_EQ(text, "ä😀/\\\"\b\f\n\r\tx");
  EXPECT_TRUE(base::append_json_string(out, text));
  EXPECT_EQ(out, R"("ä😀/\\\"\b\f\n\r\tx")");
  EXPECT_FALSE(base::append_json_string(out, "\xff"));
  EXPECT_EQ(base::json_string("a\xff\x01"), "\"a\xef\xbf\xbd\\u0001\"");
}

}  // namespace
}  // namespace greenroom::protocols
