// OpenAI's chat interface: requests, and workers' answers in its shapes.
#include "protocols/http_chat.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace greenroom::protocols {
namespace {

using json = nlohmann::json;

const chat_frame frame{"chatcmpl-1", 1700000000, "helper"};
const chat_frame with_usage{"chatcmpl-1", 1700000000, "helper", true};

json data_of(std::string_view chunk) {
  EXPECT_TRUE(chunk.starts_with("data: ")) << chunk;
  EXPECT_TRUE(chunk.ends_with("\n\n")) << chunk;
  return json::parse(chunk.substr(6));
}

TEST(HttpChat, ReadsWhatItNeedsAndLeavesTheRest) {
  const auto result = parse_chat(
      R"({"model":"he\u006cper","messages":[{"role":"user","content":"x"}],"stream":true,
          "temperature":0.3,"tools":[],"user":"u-1",
          "stream_options":{"include_obfuscation":false,"include_\u0075sage":true}})",
      64);
  ASSERT_TRUE(result);
  const auto& chat = *result;
  EXPECT_EQ(chat.model, "helper");
  EXPECT_TRUE(chat.stream);
  EXPECT_TRUE(chat.include_usage);
  EXPECT_EQ(chat.user, "u-1");
}

TEST(HttpChat, NamesTheParameterThatIsWrong) {
  const auto param = [](std::string_view body) {
    const auto result = parse_chat(body, 64);
    return result ? "fine" : std::to_string(result.error().status) + result.error().param;
  };
  EXPECT_EQ(param("{"), "400");
  EXPECT_EQ(param("[]"), "400");
  EXPECT_EQ(param(R"({"messages":[]})"), "400model");
  EXPECT_EQ(param(R"({"model":3,"messages":[]})"), "400model");
  EXPECT_EQ(param(R"({"model":"x"})"), "400messages");
  EXPECT_EQ(param(R"({"model":"x","messages":"hi"})"), "400messages");
  EXPECT_EQ(param(R"({"model":"x","messages":[],"stream":"yes"})"), "400stream");
  EXPECT_EQ(param(R"({"model":"x","messages":[],"n":2})"), "fine")
      << "whether its worker can is not known here";
  EXPECT_EQ(param(R"({"model":"x","messages":[],"n":1,"stream":null})"), "fine");
  const auto options = [&](const std::string& value, const std::string& stream = "true") {
    return param(R"({"model":"x","messages":[],"stream":)" + stream + R"(,"stream_options":)"
                 + value + "}");
  };
  EXPECT_EQ(options("[]"), "400stream_options");
  EXPECT_EQ(options(R"({"include_usage":1})"), "400stream_options.include_usage");
  EXPECT_EQ(options(R"({"include_usage":true})", "false"), "400stream_options");
  EXPECT_EQ(options(R"({"include_usage":null})"), "fine");
  EXPECT_EQ(options("null", "false"), "fine");
}

TEST(HttpChat, WritesErrorsInTheFormThatClientsParse) {
  const auto error = json::parse(to_json(chat_error{404, "No \"x\" \xff", "model", {}}));
  EXPECT_EQ(error["error"]["type"], "invalid_request_error");
  EXPECT_EQ(error["error"]["param"], "model");
  EXPECT_TRUE(error["error"]["code"].is_null());
  EXPECT_EQ(chat_error_of(failure::queue_full, "").status, 503);
  EXPECT_EQ(chat_error_of(failure::queue_full, "").code, "queue_full");
  EXPECT_EQ(chat_error_of(failure::no_such_specialist, "").code, "model_not_found");
}

TEST(HttpChat, MakesACompletionOfAnyOutput) {
  const auto content = [](std::string_view output) {
    const auto whole = json::parse(chat_completion(frame, output));
    EXPECT_EQ(whole["object"], "chat.completion");
    EXPECT_EQ(whole["model"], "helper");
    EXPECT_EQ(whole["choices"][0]["message"]["role"], "assistant");
    EXPECT_EQ(whole["choices"][0]["finish_reason"], "stop");
    return whole["choices"][0]["message"]["content"].get<std::string>();
  };
  EXPECT_EQ(content(R"("hi \"you\"")"), "hi \"you\"");
  EXPECT_EQ(content(R"({"content":"c"})"), "c");
  EXPECT_EQ(content(R"({"text":"t","x":1})"), "t");
  EXPECT_EQ(content(R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(content("[1,2]"), "[1,2]");
  EXPECT_EQ(content("null"), "");
  EXPECT_FALSE(json::parse(chat_completion(frame, "1")).contains("usage"));
  const auto counted =
      json::parse(chat_completion(frame, R"({"content":"c","usage":{"total_tokens":3}})"));
  EXPECT_EQ(counted["usage"]["total_tokens"], 3);
}

TEST(HttpChat, PassesACompletionOnAsItIs) {
  constexpr std::string_view own =
      R"({"id":"a","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",)"
      R"("content":null,"tool_calls":[{"id":"t","type":"function","function":{"name":"f"}}]},)"
      R"("finish_reason":"tool_calls"}]})";
  EXPECT_EQ(chat_completion(frame, own), own);
  const auto content = chat_whole_as_chunks(frame, own);
  const auto delta = data_of(content.chunks)["choices"][0]["delta"];
  EXPECT_EQ(content.finish_reason, "tool_calls");
  EXPECT_EQ(delta["tool_calls"][0]["index"], 0);
  EXPECT_FALSE(delta.contains("role"));
}

TEST(HttpChat, WritesChunksInTheFormThatClientsParse) {
  const auto first = data_of(chat_first_chunk(frame));
  EXPECT_EQ(first["object"], "chat.completion.chunk");
  EXPECT_EQ(first["choices"][0]["delta"]["role"], "assistant");
  EXPECT_TRUE(first["choices"][0]["finish_reason"].is_null());
  EXPECT_EQ(data_of(chat_content_chunk(frame, "a\nb"))["choices"][0]["delta"]["content"], "a\nb");
  const auto last = data_of(chat_last_chunk(frame, "stop"));
  EXPECT_EQ(last["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(last["choices"][0]["delta"].empty());
}

TEST(HttpChat, TellsTheUsageOfAStreamOnlyToThoseWhoAskAndOnlyWhenItIsKnown) {
  EXPECT_FALSE(data_of(chat_content_chunk(frame, "a")).contains("usage"));
  for (const auto& chunk : {chat_first_chunk(with_usage), chat_content_chunk(with_usage, "a"),
                            chat_last_chunk(with_usage, "stop")}) {
    EXPECT_TRUE(data_of(chunk).contains("usage")) << chunk;
    EXPECT_TRUE(data_of(chunk)["usage"].is_null()) << chunk;
  }
  const auto told =
      data_of(chat_usage_chunk(with_usage, R"({"content":"c","usage":{"total_tokens":3}})"));
  EXPECT_EQ(told["object"], "chat.completion.chunk");
  EXPECT_EQ(told["id"], "chatcmpl-1");
  EXPECT_EQ(told["choices"], json::array());
  EXPECT_EQ(told["usage"]["total_tokens"], 3);
  for (const auto* unknown : {R"("text")", R"({"content":"c"})", R"({"usage":null})", "[]"})
    EXPECT_EQ(chat_usage_chunk(with_usage, unknown), "") << unknown;
}

TEST(HttpChat, NeverCutsALetterInTwo) {
  const std::string text = "a\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 z";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      utf8_joiner join;
      std::string all;
      for (const auto& piece :
           {text.substr(0, first), text.substr(first, second - first), text.substr(second)}) {
        const std::string ready{join.next(piece)};
        EXPECT_TRUE(json::accept("\"" + ready + "\"")) << first << " " << second;
        all += ready;
      }
      EXPECT_EQ(all, text);
    }
  }
}

}  // namespace
}  // namespace greenroom::protocols
