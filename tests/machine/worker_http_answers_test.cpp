// What the answers of model servers are taken for: their forms, their codings, their errors.
#include "runtime/machine/worker/http_reply.hpp"
#include "tests/machine/puppet_server.hpp"

#include <gmock/gmock.h>
#include <zlib.h>

namespace greenroom::machine::testing {
namespace {

using protocols::failure;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string typed(const std::string& type, const std::string& body, const std::string& more = {}) {
  return "HTTP/1.1 200 OK\r\n" + (type.empty() ? "" : "Content-Type: " + type + "\r\n") + more
         + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A worker whose server answers every task with the same bytes.
class answering {
public:
  explicit answering(std::string bytes, std::size_t output_bytes_max = std::size_t{16} << 20)
      : server_{[bytes](const std::string& head, const std::string&) {
          return asks_health(head) ? plain(200, "") : bytes;
        }},
        world_{serves(server_.port()), surroundings(output_bytes_max)} {
    EXPECT_TRUE(world_.seen->ready()) << world_.seen->how().why;
  }
  protocols::attempt_result whole() { return world_.run("1"); }
  protocols::attempt_result streamed() {
    const auto before = world_.seen->endings();
    auto job = world_.task("1");
    job->streaming = true;
    world_.work->run(job);
    EXPECT_TRUE(world_.seen->ended(before + 1));
    return world_.seen->result(before);
  }
  std::string pieces() {
    std::string all;
    for (const auto& piece : world_.seen->chunks()) all += piece;
    return all;
  }

private:
  static worker_surroundings surroundings(std::size_t output_bytes_max) {
    worker_surroundings where;
    where.output_bytes_max = output_bytes_max;
    return where;
  }
  puppet_server server_;
  stage world_;
};

std::string packed(const std::string& text, int window) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string result(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

TEST(HttpAnswer, IsAStreamOfEventsBecauseItsTypeSaysSo) {
  answering one{typed("Text/Event-Stream; charset=utf-8",
                      "\xef\xbb\xbf\r\nid: 1\r\nda"
                      "ta:a\r\ndata: b\r\n\r\n: ping\r\ndata: c\r\n\r\n")};
  const auto result = one.streamed();
  EXPECT_EQ(result.why, failure::none);
  EXPECT_EQ(one.pieces(), "id: 1\ndata: a\ndata: b\n\n: ping\n\ndata: c\n\n");
}

TEST(HttpAnswer, IsTextThoughItLooksLikeEvents) {
  answering one{typed("text/plain", "data: x\n\n")};
  EXPECT_EQ(one.streamed().output, R"("data: x\n\n")");
  EXPECT_EQ(one.pieces(), "data: x\n\n");
}

TEST(HttpAnswer, WithoutATypeIsWhatItBeginsLike) {
  answering events{typed("", "\r\n\r\nretry: 5\r\ndata: x\r\n\r\n")};
  EXPECT_EQ(events.streamed().why, failure::none);
  EXPECT_EQ(events.pieces(), "retry: 5\ndata: x\n\n");
  answering json{typed("", R"({"a":1})")};
  EXPECT_EQ(json.streamed().output, R"({"a":1})");
  EXPECT_EQ(json.pieces(), "") << "JSON comes whole";
  answering text{typed("", "dat")};
  EXPECT_EQ(text.streamed().output, R"("dat")");
  EXPECT_EQ(text.pieces(), "dat");
}

TEST(HttpAnswer, InJsonIsNeverGivenInPieces) {
  answering one{typed("application/json", R"({"choices":[]})")};
  EXPECT_EQ(one.streamed().output, R"({"choices":[]})");
  EXPECT_EQ(one.pieces(), "");
  answering suffixed{typed("application/vnd.x+json; charset=UTF-8", "\xef\xbb\xbf[1]")};
  EXPECT_EQ(suffixed.streamed().output, "[1]");
}

TEST(HttpAnswer, ByLineIsGivenByLine) {
  answering one{typed("application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n{\"done\":true}")};
  EXPECT_EQ(one.streamed().output, R"("{\"a\":1}\n{\"a\":2}\n{\"done\":true}")");
  EXPECT_EQ(one.pieces(), "{\"a\":1}\n{\"a\":2}\n{\"done\":true}");
  answering failing{typed("application/x-ndjson", "{\"a\":1}\n{\"error\":\"no memory\"}\n")};
  const auto result = failing.streamed();
  EXPECT_EQ(result.why, failure::worker_failed);
  EXPECT_FALSE(result.retryable) << "its reader has the beginning";
  EXPECT_THAT(result.output, HasSubstr("no memory"));
}

TEST(HttpAnswer, IsUnpackedFromGzipAndDeflate) {
  const std::string body = R"({"text":")" + std::string(100'000, 'a') + "\"}";
  constexpr int gzip = 31, framed = 15, bare = -15;
  for (const auto& [coding, window] : {std::pair{"gzip", gzip}, std::pair{"X-GZIP", gzip},
                                       std::pair{"deflate", framed}, std::pair{"deflate", bare}}) {
    answering one{typed("application/json", packed(body, window),
                        std::string{"Content-Encoding: "} + coding + "\r\n")};
    EXPECT_EQ(one.whole().output, body) << coding;
  }
  const auto half = packed(body, gzip).substr(0, 20);
  answering cut{typed("application/json", half, "Content-Encoding: gzip\r\n")};
  EXPECT_THAT(cut.whole().output, HasSubstr("half an answer"));
  answering wrong{typed("application/json", body, "Content-Encoding: gzip\r\n")};
  EXPECT_THAT(wrong.whole().output, HasSubstr("not in the Content-Encoding"));
}

TEST(HttpAnswer, ThatUnpacksToTooMuchIsRefusedOnce) {
  constexpr int gzip = 31;
  answering one{typed("application/json", packed(std::string(std::size_t{50} << 20, '1'), gzip),
                      "Content-Encoding: gzip\r\n"),
                std::size_t{1} << 20};
  const auto result = one.whole();
  EXPECT_EQ(result.why, failure::worker_failed);
  EXPECT_FALSE(result.retryable);
  EXPECT_THAT(result.output,
              HasSubstr("limits.output_bytes allows (1048576 bytes) once it is unpacked"));
}

TEST(HttpAnswer, InAnotherCodingSaysWhichAndWhatToDo) {
  for (const std::string coding : {"br", "zstd", "gzip, gzip"}) {
    answering one{typed("application/json", "1", "Content-Encoding: " + coding + "\r\n")};
    const auto result = one.whole();
    EXPECT_EQ(result.why, failure::worker_failed);
    EXPECT_FALSE(result.retryable);
    EXPECT_THAT(result.output, HasSubstr('"' + coding + '"'));
    EXPECT_THAT(result.output, HasSubstr("accepts only identity, gzip and deflate"));
  }
}

TEST(HttpAnswer, MayBeOfHttp10OrEndWithItsConnectionOrHaveTrailers) {
  answering trailers{
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
      "\r\nTrailer: X\r\n\r\n3;a=b\r\n[1,\r\n2;c\r\n2]\r\n0\r\nX: y\r\n\r\n"};
  EXPECT_EQ(trailers.whole().output, "[1,2]");
  EXPECT_EQ(trailers.whole().output, "[1,2]") << "on the same connection";
  answering interim{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                    + typed("application/json", "7")};
  EXPECT_EQ(interim.whole().output, "7");
  answering old{"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[3]"};
  EXPECT_EQ(old.whole().output, "[3]");
  answering nothing{"HTTP/1.1 204 No Content\r\n\r\n"};
  EXPECT_EQ(nothing.whole().output, "null");
  EXPECT_EQ(nothing.streamed().output, "null");
}

TEST(HttpAnswer, InLatin1BecomesUtf8) {
  answering one{typed("text/plain; charset=\"ISO-8859-1\"", "caf\xe9 \x80")};
  EXPECT_EQ(one.whole().output, "\"café €\"");
  EXPECT_EQ(in_utf8("caf\xe9", "utf-16"), "caf\xe9") << "as it is";
}

TEST(HttpAnswer, OfTwoHundredWithAnErrorIsAFailure) {
  answering one{typed("application/json", R"({"error":{"message":"no memory","type":"x"}})")};
  const auto result = one.whole();
  EXPECT_EQ(result.why, failure::worker_failed);
  EXPECT_TRUE(result.retryable);
  EXPECT_TRUE(result.answered);
  EXPECT_THAT(result.output, HasSubstr("no memory"));
  ASSERT_TRUE(result.upstream);
  EXPECT_EQ(result.upstream->status, 200);
  EXPECT_EQ(result.upstream->error_status, 502);
  EXPECT_EQ(result.upstream->body, R"({"error":{"message":"no memory","type":"x"}})");
  answering theirs{typed("application/json", R"({"error":{"message":"too long","code":400}})")};
  EXPECT_EQ(theirs.whole().why, failure::refused);
}

TEST(HttpAnswer, WithAnErrorAmongItsEventsFailsWithThatError) {
  const std::string events =
      "data: {\"a\":1}\n\ndata: {\"error\":{\"message\":\"out of memory\"}}\n\ndata: [DONE]\n\n";
  answering one{typed("text/event-stream", events)};
  const auto result = one.streamed();
  EXPECT_EQ(result.why, failure::worker_failed);
  EXPECT_FALSE(result.retryable);
  EXPECT_EQ(one.pieces(), "data: {\"a\":1}\n\n");
  ASSERT_TRUE(result.upstream);
  EXPECT_EQ(result.upstream->body, R"({"error":{"message":"out of memory"}})");
  EXPECT_EQ(one.whole().why, failure::worker_failed) << "also when nobody streams";
  answering first{typed("text/event-stream", "event: error\ndata: {\"message\":\"busy\"}\n\n")};
  EXPECT_TRUE(first.streamed().retryable) << "nobody has heard anything yet";
}

TEST(HttpAnswer, KeepsStatusAndBodyOfARefusal) {
  for (const int status : {400, 401, 403, 404, 409, 413, 422, 429, 500, 503}) {
    answering one{"HTTP/1.1 " + std::to_string(status)
                  + " X\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n"
                    R"({"error":{"a":1}})"};
    const auto result = one.whole();
    ASSERT_TRUE(result.upstream) << status;
    EXPECT_EQ(result.upstream->status, status);
    EXPECT_EQ(result.upstream->error_status, status);
    EXPECT_EQ(result.upstream->body, R"({"error":{"a":1}})");
  }
  answering huge{"HTTP/1.1 400 X\r\nContent-Length: 50000000\r\n\r\n" + std::string(300'000, 'x')};
  EXPECT_EQ(huge.whole().upstream->body.size(), protocols::upstream_bytes_max);
  answering moved{"HTTP/1.1 302 X\r\nLocation: http://h/v2\r\nContent-Length: 0\r\n\r\n"};
  const auto result = moved.whole();
  EXPECT_EQ(result.why, failure::refused);
  EXPECT_THAT(result.output, HasSubstr("302 to http://h/v2 (redirects are not followed"));
}

TEST(HttpAnswer, TellsThePauseInWhateverFormItIsSaid) {
  const auto pause = [](const std::string& fields) {
    answering one{"HTTP/1.1 429 X\r\n" + fields + "Content-Length: 0\r\n\r\n"};
    return one.whole().retry_after_ms;
  };
  EXPECT_EQ(pause("Retry-After: 7\r\n"), 7000);
  EXPECT_EQ(pause("Retry-After: 1.5\r\n"), 1500);
  EXPECT_EQ(pause("Retry-After: 7\r\nretry-after-ms: 250\r\n"), 250);
  EXPECT_EQ(
      pause("Date: Sun, 06 Nov 1994 08:49:30 GMT\r\nRetry-After: Sun Nov  6 08:49:37 1994\r\n"),
      7000);
  EXPECT_EQ(pause("Date: Sun, 06 Nov 1994 08:49:30 GMT\r\nRetry-After: Sunday, 06-Nov-94 08:49:37 "
                  "GMT\r\n"),
            7000);
}

TEST(HttpAnswer, ThatIsStreamedMayBeOfAnyLength) {
  std::string events;
  while (events.size() < (std::size_t{3} << 20))
    events += "data: " + std::string(1000, 'x') + "\n\n";
  answering one{typed("text/event-stream", events), std::size_t{1} << 20};
  const auto result = one.streamed();
  EXPECT_EQ(result.why, failure::none) << result.output;
  EXPECT_EQ(one.pieces(), events);
  EXPECT_EQ(result.output, R"({"streamed_bytes":)" + std::to_string(events.size()) + "}");
  answering event{typed("text/event-stream", "data: " + std::string(std::size_t{2} << 20, 'x')),
                  std::size_t{1} << 20};
  EXPECT_THAT(event.streamed().output, HasSubstr("limits.output_bytes"));
}

TEST(HttpAnswer, ThatBreaksOffInItsStreamIsNotBegunAnew) {
  answering one{
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
      "\r\n9\r\ndata: x\n\n\r\nzz\r\n"};
  const auto result = one.streamed();
  EXPECT_EQ(result.why, failure::worker_failed);
  EXPECT_FALSE(result.retryable);
  EXPECT_FALSE(result.answered);
}

}  // namespace
}  // namespace greenroom::machine::testing
