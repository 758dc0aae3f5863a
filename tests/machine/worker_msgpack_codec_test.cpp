// The wire format msgpack, without any process.
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

TEST(MsgpackCodec, TellsOfAnOutputThatIsTooLongAsTextAndGoesOn) {
  // Ten control characters are ten bytes over the wire and sixty as JSON.
  const auto controls = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "\\u0001";
    return R"({"type":"result","id":"a","output":["x",")" + text + R"("]})";
  };
  const auto messages =
      messages_in(msgpack_format, msgpack_frame(controls(160)) + msgpack_frame(controls(170))
                                      + msgpack_frame(R"({"type":"pong"})"));
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_THAT(messages[0], HasSubstr("result a: [\"x\",\"\\u0001"));
  EXPECT_THAT(messages[1], HasSubstr("error a: "));
  EXPECT_THAT(messages[1], HasSubstr("limits.output_bytes"));
  EXPECT_EQ(messages[2], "pong");
}

TEST(MsgpackCodec, UnderstandsEveryMessageHoweverItArrives) {
  std::string bytes;
  for (const auto line : conversation) bytes += msgpack_frame(line);
  EXPECT_EQ(messages_in(msgpack_format, bytes), understood);
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
    const auto messages = messages_in(msgpack_format, stray + msgpack_frame(R"({"type":"ready"})"));
    ASSERT_EQ(messages.size(), 2U) << ::testing::PrintToString(stray);
    EXPECT_THAT(messages.front(), HasSubstr("stray"));
    EXPECT_EQ(messages.back(), "ready");
  }
  for (const auto& broken : {raw("\x83\xa2id\xa1"
                                 "a\xa4type\xa6result\xa6output\xd4\x01x"),
                             raw("\x83\xa2id\xa1"
                                 "a\xa4type\xa6result\xa6output\x81\x90\x01")}) {
    const auto messages = messages_in(msgpack_format, broken);
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_THAT(messages.front(), HasSubstr("broken a: "));
    EXPECT_THAT(messages.front(), HasSubstr(": 83 a2 69 64"));
  }
  EXPECT_THAT(messages_in(msgpack_format, raw("\x83\xa2id\xa1"
                                              "a\xa4type\xa6result\xa6output\xa1\xff")),
              ElementsAre("result a: \"\xef\xbf\xbd\""));
}

TEST(MsgpackCodec, HearsNothingAfterALengthThatIsNone) {
  using namespace std::string_literals;
  const auto messages =
      messages_in(msgpack_format, "\xff\xfe\xfd\xfc"s + msgpack_frame(R"({"type":"ready"})"));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_THAT(messages.front(), HasSubstr("nonsense: a frame of 4294901244 bytes"));
  EXPECT_THAT(messages.front(), HasSubstr("ff fe fd fc"));
}

TEST(MsgpackCodec, SkipsAFrameThatIsTooLongAndSaysWhose) {
  const auto with = [](std::size_t length) {
    return msgpack_frame(R"({"type":"ready","x":")" + std::string(length - 17, 'x') + "\"}");
  };
  EXPECT_EQ(with(1000).size(), 1004U);
  EXPECT_THAT(messages_in(msgpack_format, with(1000)), ElementsAre("ready"));
  const auto long_one =
      msgpack_frame(R"({"type":"result","id":"a","output":")" + std::string(1000, 'x') + "\"}");
  EXPECT_THAT(messages_in(msgpack_format, with(1001) + long_one + with(30)),
              ElementsAre(HasSubstr("stray: "), "too_long a of 1028", "ready"));
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

}  // namespace
}  // namespace greenroom::protocols
