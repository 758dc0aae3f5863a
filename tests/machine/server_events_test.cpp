// Event streams as servers send them, cut at every place.
#include "protocols/server_events.hpp"
#include "protocols/upstream.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace greenroom::protocols {
namespace {

/// What comes out, in its plainest form; the same for every way to cut the bytes in three.
std::string read_events(std::string_view bytes) {
  const auto in_pieces = [&](std::size_t first, std::size_t second) {
    std::string result;
    server_events_reader reader{1000};
    const auto take = [&](const server_event& event) { append_event(result, event); };
    EXPECT_TRUE(reader.feed(bytes.substr(0, first), take));
    EXPECT_TRUE(reader.feed(bytes.substr(first, second - first), take));
    EXPECT_TRUE(reader.feed(bytes.substr(second), take));
    reader.finish(take);
    return result;
  };
  const auto whole = in_pieces(bytes.size(), bytes.size());
  for (std::size_t i = 0; i <= bytes.size(); ++i)
    for (std::size_t j = i; j <= bytes.size(); ++j)
      EXPECT_EQ(in_pieces(i, j), whole) << i << ' ' << j;
  return whole;
}

TEST(ServerEvents, ReadsEveryLineEndAndEveryCut) {
  const std::string plain = "data: one\n\ndata: two\n\n";
  EXPECT_EQ(read_events("data: one\n\ndata: two\n\n"), plain);
  EXPECT_EQ(read_events("data: one\r\n\r\ndata: two\r\n\r\n"), plain);
  EXPECT_EQ(read_events("data: one\r\rdata: two\r\r"), plain);
  EXPECT_EQ(read_events("data:one\r\n\ndata:two\n\r\n"), plain) << "no blank, and mixed";
  EXPECT_EQ(read_events("\n\r\n\rdata: one\n\ndata: two\n\n"), plain) << "blank lines first";
  EXPECT_EQ(read_events("\xef\xbb\xbf"
                        "data: one\n\ndata: two\n\n"),
            plain)
      << "BOM";
  EXPECT_EQ(read_events("data: one\n\ndata: two"), plain) << "without its end";
}

TEST(ServerEvents, ReadsEveryField) {
  EXPECT_EQ(read_events("event: error\nid: 7\nretry: 100\ndata: a\ndata: b\nother: x\nalone\n\n"),
            "event: error\nid: 7\nretry: 100\ndata: a\ndata: b\n\n");
  EXPECT_EQ(read_events("event: message\ndata: a\n\n"), "data: a\n\n");
  EXPECT_EQ(read_events("id: 1\n\n"), "id: 1\n\n");
  EXPECT_EQ(read_events("retry: soon\n\n"), "");
  EXPECT_EQ(read_events(": ping\n\n:\n\n"), ": ping\n\n:\n\n");
  EXPECT_EQ(read_events("data\n\ndata:\n\n"), "data: \n\ndata: \n\n");
  EXPECT_EQ(read_events("data:  two blanks\n\n"), "data:  two blanks\n\n");
}

TEST(ServerEvents, StopsAtAnEventThatIsTooLong) {
  server_events_reader reader{10};
  auto count = 0;
  const auto take = [&](const server_event&) { ++count; };
  EXPECT_TRUE(reader.feed("data: 1\n\ndata: 2\n\n", take));
  EXPECT_FALSE(reader.feed("data: 345678\n\n", take));
  EXPECT_FALSE(reader.feed("data: 1\n\n", take)) << "for ever";
  EXPECT_EQ(count, 2);
}

TEST(UpstreamError, IsFoundInAnAnswerThatLooksWell) {
  const auto message = [](std::string_view body) {
    const auto found = error_in(body);
    return found ? found->message : std::string{"none"};
  };
  EXPECT_EQ(message(R"({"error":{"message":"no memory","type":"x"}})"), "no memory");
  EXPECT_EQ(message(R"({"error":"model not found"})"), "model not found");
  EXPECT_EQ(message(R"({"error":true,"message":"busy"})"), "busy");
  EXPECT_EQ(message(R"({"jsonrpc":"2.0","error":{"code":-1,"message":"no"}})"), "no");
  for (const std::string_view well :
       {R"({"error":null,"x":1})", R"({"error":""})", R"({"error":{}})", R"({"error":false})",
        R"({"error":0.5})", R"({"error":[]})", R"({"x":{"error":"y"}})", R"("error")", "[]",
        R"({"choices":[{}],"error":{"message":"late"}})"})
    EXPECT_EQ(message(well), "none") << well;
  EXPECT_EQ(error_in(R"({"error":{"message":"m","code":429}})")->status, 429);
  EXPECT_EQ(error_in(R"({"error":{"message":"m","code":"503"}})")->status, 503);
  EXPECT_EQ(error_in(R"({"error":{"message":"m","code":7}})")->status, 502);
  EXPECT_EQ(error_in(R"({"error":"m","status":404})")->status, 404);
  // A message of many bytes is cut between two characters.
  const auto long_message = message(R"({"error":")" + std::string(499, 'x') + "\xc3\xa4\"}");
  EXPECT_EQ(long_message, std::string(499, 'x'));
  const std::string deep =
      R"({"error":{"a":)" + std::string(5000, '[') + std::string(5000, ']') + "}}";
  EXPECT_FALSE(error_in(deep)) << "deeper than anything is read";
}

TEST(UpstreamError, IsFoundInAnEvent) {
  EXPECT_EQ(error_in_event("", R"({"error":{"message":"late"}})")->message, "late");
  EXPECT_EQ(error_in_event("error", R"({"message":"late"})")->message, "late");
  EXPECT_EQ(error_in_event("error", "out of memory")->body,
            R"({"error":{"message":"out of memory"}})");
  EXPECT_FALSE(error_in_event("", R"({"choices":[{"delta":{"content":"\"error\""}}]})"));
  EXPECT_FALSE(error_in_event("message", "[DONE]"));
}

TEST(UpstreamError, IsToldInOpenAisForm) {
  const auto of = [](int status, std::string body) {
    return as_error_object({status, status, std::move(body)}, "detail");
  };
  const std::string theirs = R"({"error":{"message":"m","type":"t","param":"p","code":"c"}})";
  EXPECT_EQ(of(400, theirs), theirs) << "byte for byte";
  EXPECT_EQ(
      of(404, R"({"error":"no such model"})"),
      R"({"error":{"message":"no such model","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(
      of(422, R"({"detail":"bad field"})"),
      R"({"error":{"message":"bad field","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(
      of(400,
         R"({"object":"error","message":"m","type":"BadRequestError","param":null,"code":400})"),
      R"({"error":{"message":"m","type":"BadRequestError","param":null,"code":400}})");
  EXPECT_EQ(of(500, "plain text"),
            R"({"error":{"message":"plain text","type":"server_error","param":null,"code":null}})");
  EXPECT_EQ(of(429, ""),
            R"({"error":{"message":"detail","type":"rate_limit_error","param":null,"code":null}})");
}

}  // namespace
}  // namespace greenroom::protocols
