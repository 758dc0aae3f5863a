// The wire format of lines and what all formats share, without any process: what is sent, and how
// answers are read however the bytes arrive.
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

TEST(JsonlCodec, UnderstandsEveryMessageHoweverItArrives) {
  std::string bytes;
  for (const auto line : conversation) bytes += std::string{line} + "\r\n\n";
  auto expected = understood;
  // Raw text is passed on as it is, escapes and all.
  expected[1] = "result a1: {\"x\":[1,-2,2.5,\"\\u00e4\\\"\\n\",true,null]}";
  EXPECT_EQ(messages_in(jsonl, bytes), expected);
}

TEST(JsonlCodec, SkipsWhatIsNoMessageAndHearsWhatComesAfterIt) {
  for (const auto* const stray :
       {"hello", "{}", "[1]", R"({"type":1})", R"({"type":"task"})", "\x01",
        R"({"type":"log","level":"info"})", "> start", "\x1b[32mstarted\x1b[0m", "{oops",
        R"({"level":"info","msg":"{\"type\":\"ready\"}"})"}) {
    const auto messages = messages_in(jsonl, std::string{stray} + "\n{\"type\":\"ready\"}\n");
    ASSERT_EQ(messages.size(), 2U) << stray;
    EXPECT_THAT(messages.front(), HasSubstr("stray")) << stray;
    EXPECT_EQ(messages.back(), "ready") << stray;
  }
}

TEST(JsonlCodec, ReadsWhatIsMeantThoughItIsUntidy) {
  const std::string result = R"({"type":"result","id":"a","output":1})";
  for (const auto& untidy :
       {"\xef\xbb\xbf" + result, "  \t" + result + " \r", "\x1b[0m" + result + "\x1b[0m",
        "\x1b]0;title\x07" + result, result + "\r"})
    EXPECT_THAT(messages_in(jsonl, untidy + "\n"), ElementsAre("result a: 1")) << untidy;
  EXPECT_THAT(messages_in(jsonl, "loading... " + result + "\n"),
              ElementsAre("result a: 1", "stray: loading... "));
  EXPECT_THAT(messages_in(jsonl, "{\"type\":\"error\",\"id\":\"a\",\"message\":{\"code\":7}}\n"),
              ElementsAre("error a: {\"code\":7}"));
  EXPECT_THAT(messages_in(jsonl, "{\"type\":\"result\",\"id\":\"a\",\"output\":\"x\xe4y\"}\n"),
              ElementsAre("result a: \"x\xef\xbf\xbdy\""));
  EXPECT_THAT(messages_in(jsonl, R"({"type":"result","id":"a","output":"cut \ud83d"})"
                                 "\n"),
              ElementsAre(R"(result a: "cut \ufffd")"));
}

TEST(JsonlCodec, TellsWhoseAnswerIsNoJson) {
  const auto messages = messages_in(jsonl, R"({"type":"result","id":"a","output":[NaN,-Infinity]})"
                                           "\n"
                                           R"({"type":"result","output":{"a":},"id":"b"})"
                                           "\n"
                                           R"({"type":"result","output":{"id":"c","a":}})"
                                           "\n");
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_THAT(messages[0], HasSubstr("broken a: NaN or Infinity"));
  EXPECT_THAT(messages[1], HasSubstr("broken b: something that is not JSON from byte 32 on: «{"));
  EXPECT_THAT(messages[2], HasSubstr("broken: "));
}

TEST(JsonlCodec, SkipsALineThatIsTooLongAndSaysWhose) {
  const auto line = [](std::size_t length) {
    std::string result = R"({"type":"ready","x":")";
    result.append(length - result.size() - 2, 'x');
    return result + "\"}\n";
  };
  EXPECT_THAT(messages_in(jsonl, line(1000)), ElementsAre("ready"));
  const std::string many(1000, 'x');
  const std::string first = R"({"type":"result","id":"a","output":")" + many + "\"}\n";
  const std::string last =
      R"({"type":"result","output":{"id":"b","x":")" + many + "\"},\"id\":\"a\"}\n";
  EXPECT_THAT(
      messages_in(jsonl, line(1001) + first + last + line(40)),
      ElementsAre(HasSubstr("stray: {"), "too_long a of 1038", "too_long a of 1053", "ready"));
  // What was printed answers nothing, and the only task that is open must not pay for it.
  EXPECT_THAT(messages_in(jsonl, "DEBUG " + many + "\n" + R"({"type":"log","id":"a","text":")"
                                     + many + "\"}\n" + R"({"output":")" + many
                                     + "\",\"type\":\"result\"}\nlog " + first),
              ElementsAre(HasSubstr("stray: DEBUG"), HasSubstr("stray: {"), "too_long of 1029",
                          HasSubstr("too_long a of")));
}

TEST(Codecs, RefuseANumberThatNoDoubleHolds) {
  EXPECT_THAT(messages_in(jsonl, R"({"type":"result","id":"a","output":[1e999]})"
                                 "\n"
                                 R"({"type":"result","id":"b","output":1e300,"cost":1e999})"
                                 "\n"),
              ElementsAre(HasSubstr("broken a: the number 1e999, which is too large for a double"),
                          "result b: 1e300"));
  EXPECT_THAT(messages_in(mcp, R"({"jsonrpc":"2.0","id":7,"result":-1e999})"
                               "\n"
                               R"([{"jsonrpc":"2.0","id":8,"result":1e999}])"
                               "\n"),
              ElementsAre(HasSubstr("broken 7: the number -1e999"), HasSubstr("broken 8: ")));
}

TEST(JsonlCodec, ReadsSeveralMessagesInARowAndSaysWhatIsWrong) {
  const std::string result = R"({"type":"result","id":"a","output":1})";
  EXPECT_THAT(messages_in(jsonl, result + R"({"type":"pong"})" + "\n"),
              ElementsAre("result a: 1", "pong"));
  EXPECT_THAT(messages_in(jsonl, result + " // done\n"),
              ElementsAre("result a: 1", "stray: // done"));
  const std::string deep = R"({"type":"result","id":"a","output":)" + std::string(300, '[')
                           + std::string(300, ']') + "}\n";
  EXPECT_THAT(
      messages_in(jsonl, deep),
      ElementsAre(HasSubstr("broken a: something that is nested more than 128 levels deep")));
  EXPECT_THAT(fault_of("1 2"), HasSubstr("goes on behind its end, from byte 3 on"));
}

TEST(Codecs, GiveUpALineThatDoesNotEnd) {
  const std::string piece(std::size_t{1} << 20, 'x');
  for (const auto& make : {jsonl, mcp}) {
    message_recorder recorder;
    const auto codec = make();
    for (int i = 0; i < 70; ++i) codec->feed(piece, recorder);
    EXPECT_THAT(recorder.messages,
                ElementsAre("nonsense: a line of more than 67108864 bytes that does "
                            "not end"));
  }
}

TEST(Codecs, TakeAWholeMessageThatLacksItsLinesEnd) {
  const auto last = [](const maker& make, std::string_view bytes) {
    message_recorder recorder;
    const auto codec = make();
    codec->feed(bytes, recorder);
    EXPECT_TRUE(recorder.messages.empty());
    codec->finish(recorder);
    return recorder.messages;
  };
  EXPECT_THAT(last(jsonl, R"({"type":"result","id":"a","output":1})"), ElementsAre("result a: 1"));
  EXPECT_THAT(last(mcp, R"({"jsonrpc":"2.0","id":7,"result":1})"), ElementsAre("result 7: 1"));
  EXPECT_THAT(last(jsonl, R"({"type":"result","id":"a","out)"), ElementsAre(HasSubstr("stray: ")));
}

TEST(JsonlCodec, SendsATaskOnOneLineWithoutTouchingItsInput) {
  std::string out;
  const auto codec = make_jsonl_codec(1000);
  EXPECT_TRUE(codec->add_task(out, "id-1", "{\n \"a\" : [1.50,\r\n \"\\n\"] }", 250));
  EXPECT_EQ(out,
            "{\"type\":\"task\",\"id\":\"id-1\",\"input\":{  \"a\" : [1.50,   \"\\n\"] },"
            "\"timeout_ms\":250}\n");
}

TEST(WireName, TellsTasksAndAttemptsApart) {
  const task_id id{0x0123456789abcdefULL, 0xfULL};
  EXPECT_EQ(wire_name(id, 1), "0123456789abcdef000000000000000f");
  EXPECT_EQ(wire_name(id, 1), to_string(id));
  EXPECT_EQ(wire_name(id, 3), "0123456789abcdef000000000000000f-3");
}

}  // namespace
}  // namespace greenroom::protocols
