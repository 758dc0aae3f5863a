// What the strict reader of requests takes and what it does not, in whatever pieces it comes.
#include "runtime/machine/http/request_grammar.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace greenroom::machine::http {
namespace {

int verdict(std::string_view bytes) {
  request_grammar whole;
  const auto at_once = whole.read(bytes).status;
  // However it is cut, it is the same.
  request_grammar by_byte;
  auto piecewise = 0;
  for (const char c : bytes)
    if (piecewise == 0) piecewise = by_byte.read({&c, 1}).status;
  EXPECT_EQ(at_once, piecewise) << bytes;
  return at_once;
}

std::string with_field(std::string_view field) {
  return "POST /v1/tasks HTTP/1.1\r\nHost: x\r\n" + std::string{field} + "\r\n\r\n";
}

TEST(RequestGrammar, TakesWhatIsRight) {
  for (const std::string_view right : {
           "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
           "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET / HTTP/1.0\r\n\r\n",
           "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET http://x/v1/tasks HTTP/1.1\r\nHost: x\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: "
           "x\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\ncontent-length:3 \t\r\n\r\n\n\r\0",
           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
           "3;a=\"b\"\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: one\r\n\r\nGET / "
           "HTTP/1.1\r\nHost: "
           "x\r\n\r\n",
           "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\nX-Name: \xc3\xa9 and\ttab\r\n\r\n",
           "PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\n",
       })
    EXPECT_EQ(verdict(right), 0) << right;
}

TEST(RequestGrammar, RefusesFieldsThatAreNone) {
  for (const std::string_view wrong :
       {"Content-Length : 3", "X : y", "X\t: y", " X: y", "\tfolded", ": y", "X", "X y: z",
        "X\r: y", "X(: y", "X: a\rb", "X: a\nContent-Length: 40", "Content-Length: 3\n",
        "X: a\x01z", "X: a\x7f", "X: y\r\n folded", "X: y\r\n\tfolded", "X\xc3\xa9: y"})
    EXPECT_EQ(verdict(with_field(wrong)), 400) << wrong;
  EXPECT_EQ(verdict(with_field(std::string_view{"X: a\0b", 6})), 400);
}

TEST(RequestGrammar, RefusesLinesThatEndWithLfAlone) {
  for (const std::string_view wrong :
       {"GET / HTTP/1.1\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\n", "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n"})
    EXPECT_EQ(verdict(wrong), 400) << wrong;
}

TEST(RequestGrammar, RefusesLengthsThatMayBeReadInTwoWays) {
  for (const std::string_view wrong :
       {"Content-Length: 3\r\nContent-Length: 3", "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 3, 3", "Content-Length: +3", "Content-Length: -3", "Content-Length: 0x3",
        "Content-Length: 3 3", "Content-Length:", "Content-Length: 3a",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: chunked;q=1", "Transfer-Encoding:", "Transfer-Encoding: xchunked"})
    EXPECT_EQ(verdict(with_field(wrong)), 400) << wrong;
  EXPECT_EQ(verdict(with_field("Content-Length: 99999999999999999999")), 400);
  for (const std::string_view unknown : {"Transfer-Encoding: gzip, chunked",
                                         "Transfer-Encoding: gzip", "Transfer-Encoding: identity"})
    EXPECT_EQ(verdict(with_field(unknown)), 501) << unknown;
  EXPECT_EQ(verdict("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestGrammar, RefusesChunksThatAreNone) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view wrong :
       {"x\r\n", "\r\n", "-1\r\n", "0x3\r\nabc\r\n", "3\rabc", "3\r\nabcd\r\n",
        "ffffffffffffffff\r\n", "3;a\x01\r\n", "0\r\nbad name: x\r\n\r\n", "0\r\nno-colon\r\n\r\n",
        "0\r\n folded\r\n\r\n"})
    EXPECT_EQ(verdict(head + std::string{wrong}), 400) << wrong;
  EXPECT_EQ(verdict(head + "3;" + std::string(5000, 'a')), 400) << "without end";
  EXPECT_EQ(verdict(head + "0\r\nA: " + std::string(20'000, 'a')), 431);
}

TEST(RequestGrammar, RefusesRequestLinesThatAreNone) {
  for (const std::string_view wrong :
       {"GET  / HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", "GET\t/ HTTP/1.1\r\n",
        "GET /a b HTTP/1.1\r\n", "GET /\x01 HTTP/1.1\r\n", "GET x HTTP/1.1\r\n",
        "POST * HTTP/1.1\r\n", " GET / HTTP/1.1\r\n", "G@T / HTTP/1.1\r\n", "GET /\r\n",
        "GET ftp://x/ HTTP/1.1\r\n", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"})
    EXPECT_EQ(verdict(wrong), 400) << wrong;
}

TEST(RequestGrammar, HearsExpectInItsOwnFieldOnly) {
  const auto asks = [](std::string_view fields, std::string_view version = "HTTP/1.1") {
    request_grammar one;
    EXPECT_EQ(one.read("POST / " + std::string{version} + "\r\nHost: x\r\n" + std::string{fields}
                       + "\r\n\r\n")
                  .status,
              0);
    return one.wants_leave(1000);
  };
  EXPECT_TRUE(asks("Expect: 100-continue\r\nContent-Length: 5"));
  EXPECT_TRUE(asks("expect: 100-Continue\r\nTransfer-Encoding: chunked"));
  EXPECT_FALSE(asks("X: 100-continue\r\nContent-Length: 5"));
  EXPECT_FALSE(asks("Expect: 100-continue")) << "there is no body";
  EXPECT_FALSE(asks("Expect: 100-continue\r\nContent-Length: 1001")) << "it would be refused";
  EXPECT_FALSE(asks("Expect: 100-continue\r\nContent-Length: 5", "HTTP/1.0"));
  EXPECT_EQ(verdict(with_field("Expect: 200-ok")), 417);
}

TEST(RequestGrammar, TellsWhichLimitWasExceededFirst) {
  const auto exceeded = [](const std::string& bytes) {
    constexpr request_limits few{10, 5, 7, 3, 6};
    request_grammar whole{few}, by_byte{few};
    EXPECT_EQ(whole.read(bytes).status, 0) << bytes;
    for (const char c : bytes) EXPECT_EQ(by_byte.read({&c, 1}).status, 0) << bytes;
    EXPECT_EQ(whole.exceeded(), by_byte.exceeded()) << bytes;
    return whole.exceeded();
  };
  const auto get = [](const std::string& target, const std::string& fields) {
    return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n";
  };
  EXPECT_EQ(exceeded(get("/123456789", "Host:x\r\nB:b\r\nC:1234567\r\n")), 0);
  EXPECT_EQ(exceeded(get("/1234567890", "Host:x\r\n")), 414);
  EXPECT_EQ(exceeded(get("/", "Hosts:x\r\nHosted:x\r\n")), 431);
  EXPECT_EQ(exceeded(get("/", "A:12345678\r\n")), 431);
  EXPECT_EQ(exceeded(get("/", "A:1\r\nB:1\r\nC:1\r\nD:1\r\n")), 431);
  const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding:chunked\r\n\r\n";
  // What was exceeded stays so: the parser, which reads later, will have stopped there.
  EXPECT_EQ(exceeded(get("/1234567890", "Host:x\r\n") + get("/", "A:12345678\r\n")), 414);
  request_grammar body{request_limits{.body_bytes = 6}};
  EXPECT_EQ(body.read(chunked + "3\r\nabc\r\n3\r\nabc\r\n").status, 0);
  EXPECT_EQ(body.exceeded(), 0);
  EXPECT_EQ(body.read("1\r\n").status, 0);
  EXPECT_EQ(body.exceeded(), 413);
}

TEST(RequestGrammar, KnowsThePathsOfOpenAi) {
  for (const std::string_view theirs : {"/v1/chat/completions", "/v1/models", "/v1/models/a/b?x=1",
                                        "/v1/embeddings", "/v1/completions"})
    EXPECT_TRUE(is_openai_path(theirs)) << theirs;
  for (const std::string_view ours :
       {"/v1/tasks", "/v1/modelsx", "/v1/", "/", "/v2/models", "/metrics"})
    EXPECT_FALSE(is_openai_path(ours)) << ours;
}

TEST(RequestGrammar, SeesHowFarAHeadHasCome) {
  request_grammar one;
  EXPECT_FALSE(one.in_head());
  (void)one.read("GET / HTTP/1.1\r\nHo");
  EXPECT_TRUE(one.in_head());
  (void)one.read("st: x\r\n\r\n");
  EXPECT_FALSE(one.in_head());
  EXPECT_EQ(one.heads(), 1U);
  (void)one.read("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab");
  EXPECT_FALSE(one.in_head());
  (void)one.read("cdG");
  EXPECT_TRUE(one.in_head());
}

}  // namespace
}  // namespace greenroom::machine::http
