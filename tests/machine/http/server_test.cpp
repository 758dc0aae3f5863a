// The HTTP server with well-behaved clients: answers and their order.
#include "tests/machine/http/served.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace greenroom::tests {
namespace {

TEST(HttpServer, AnswersRequestAfterRequestOnOneConnection) {
  served s{echo};
  raw_client client{s.port()};
  for (const auto* text : {"one", "two", ""}) {
    client.send(post("/", text));
    const auto answer = client.answer();
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_EQ(body_of(answer), text);
  }
  EXPECT_EQ(s.server->counters().requests, 3U);
  EXPECT_EQ(s.server->counters().accepted, 1U);
}

TEST(HttpServer, ShowsThePartsOfARequest) {
  served s{[](http::request& asked, const http::responder& reply) {
    std::string seen{asked.method_name()};
    seen += "|" + std::string{asked.path()} + "|" + std::string{asked.query()};
    seen += "|" + std::string{asked.header("x-thing").value_or("-")};
    seen += "|" + std::string{asked.header("absent").value_or("-")};
    reply.answer(200, "text/plain", seen);
  }};
  raw_client client{s.port()};
  client.send("GET /a/b%20c?d=e&f#g HTTP/1.1\r\nHost: x\r\nX-Thing: 7\r\n\r\n");
  EXPECT_EQ(body_of(client.answer()), "GET|/a/b%20c|d=e&f|7|-");
  client.send("DELETE http://host:1/x?y HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(client.answer()), "DELETE|/x|y|-|-");
  client.send("GET http://host HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(client.answer()), "GET|/||-|-");
}

TEST(HttpServer, TakesAChunkedBody) {
  served s{echo};
  raw_client client{s.port()};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("3\r\nabc\r\n");
  client.send("2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(client.answer()), "abcde");
}

TEST(HttpServer, GivesLargeBodiesBackWhole) {
  served s{echo};
  raw_client client{s.port()};
  std::string large(5'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 97) large[i] = static_cast<char>('a' + i % 26);
  std::thread sender{[&] { client.send(post("/", large)); }};
  const auto answer = client.answer();
  sender.join();
  EXPECT_EQ(body_of(answer), large);
}

TEST(HttpServer, LeavesOutTheContentForHead) {
  served s{[](http::request&, const http::responder& reply) {
    reply.answer(200, "text/plain", "five!");
  }};
  raw_client client{s.port()};
  client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + get("/"));
  const auto head = client.answer(true);
  EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(body_of(head), "");
  EXPECT_EQ(body_of(client.answer()), "five!");
}

TEST(HttpServer, ClosesAfterTheAnswerWhenTheClientSaysSo) {
  served s{echo};
  raw_client client{s.port()};
  client.send(post("/", "bye", "Connection: close\r\n"));
  const auto all = client.rest();
  EXPECT_NE(all.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(body_of(all), "bye");
}

TEST(HttpServer, SpeaksToOldClients) {
  served s{echo};
  raw_client once{s.port()};
  once.send("POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(body_of(once.rest()), "ab");
  raw_client kept{s.port()};
  kept.send("POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_NE(kept.answer().find("Connection: keep-alive\r\n"), std::string::npos);
  kept.send("POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\ncd");
  EXPECT_EQ(body_of(kept.answer()), "cd");
}

TEST(HttpServer, AnswersPipelinedRequestsInTheirOrder) {
  served s{echo};
  raw_client client{s.port()};
  std::string all;
  for (int i = 0; i < 100; ++i) all += post("/", std::to_string(i));
  client.send(all);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(body_of(client.answer()), std::to_string(i));
}

TEST(HttpServer, KeepsTheOrderWhenOtherThreadsAnswerBackwards) {
  handover<std::pair<http::responder, std::string>> waiting;
  http::server_options options;
  options.pipelined = 8;
  served s{[&](http::request& asked, const http::responder& reply) {
             waiting.put({reply, asked.take_body()});
           },
           options};
  raw_client client{s.port()};
  std::string all;
  for (int i = 0; i < 8; ++i) all += post("/", std::to_string(i));
  client.send(all);
  auto held = waiting.take(8);
  ASSERT_EQ(held.size(), 8U);
  std::thread other{[&] {
    for (auto at = held.rbegin(); at != held.rend(); ++at) at->first.answer(200, "", at->second);
  }};
  other.join();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(body_of(client.answer()), std::to_string(i));
}

TEST(HttpServer, TakesNoMoreOfAConnectionThanItsShareOfRequests) {
  handover<http::responder> waiting;
  http::server_options options;
  options.pipelined = 3;
  std::atomic<int> seen{0};
  served s{[&](http::request&, const http::responder& reply) {
             ++seen;
             waiting.put(reply);
           },
           options};
  raw_client client{s.port()};
  std::string all;
  for (int i = 0; i < 10; ++i) all += get("/");
  client.send(all);
  int answered = 0;
  while (answered < 10) {
    auto held = waiting.take(1);
    ASSERT_FALSE(held.empty());
    EXPECT_LE(seen.load(), answered + 3);
    for (const auto& one : held) {
      ++answered;
      one.answer(200, "", "x");
    }
  }
  for (int i = 0; i < 10; ++i) EXPECT_EQ(body_of(client.answer()), "x");
}

TEST(HttpServer, CountsOnlyTheFirstAnswer) {
  served s{[](http::request&, const http::responder& reply) {
    reply.answer(200, "", "first");
    reply.answer(500, "", "second");
    reply.begin(500, "", "");
  }};
  raw_client client{s.port()};
  client.send(get("/") + get("/"));
  EXPECT_EQ(body_of(client.answer()), "first");
  EXPECT_EQ(body_of(client.answer()), "first");
}

TEST(HttpServer, SaysThatItFailedWhenNobodyAnswers) {
  served s{[](http::request& asked, const http::responder&) {
    if (asked.path() == "/throw") throw std::runtime_error{"a secret"};
  }};
  raw_client client{s.port()};
  for (const auto* path : {"/drop", "/throw", "/drop"}) {
    client.send(get(path));
    const auto answer = client.answer();
    EXPECT_EQ(status_of(answer), 500);
    EXPECT_NE(answer.find("urn:greenroom:internal"), std::string::npos);
    EXPECT_EQ(answer.find("secret"), std::string::npos);
  }
}

TEST(HttpServer, AsksForTheBodyThatAClientHoldsBack) {
  served s{echo};
  raw_client client{s.port()};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_EQ(body_of(client.answer()), "body");
}

TEST(HttpServer, GivesLeaveForABodyBehindTheAnswersBeforeIt) {
  handover<http::responder> waiting;
  served s{[&](http::request& asked, const http::responder& reply) {
    if (asked.path() == "/large") return reply.answer(200, "", std::string(large_bytes, 'x'));
    if (asked.path() == "/held") return waiting.put(reply);
    echo(asked, reply);
  }};
  for (const auto* first : {"/large", "/held"}) {
    raw_client client{s.port()};
    client.send(get(first));
    expect_taken(client);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    expect_taken(client);
    if (std::string_view{first} == "/held") {
      const auto held = waiting.take(1);
      ASSERT_EQ(held.size(), 1U);
      held.front().answer(200, "", "x");
    }
    EXPECT_EQ(body_of(client.answer()).find_first_not_of('x'), std::string_view::npos) << first;
    EXPECT_EQ(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n") << first;
    client.send("body");
    EXPECT_EQ(body_of(client.answer()), "body");
  }
}

TEST(HttpServer, PutsNoErrorIntoTheMiddleOfAnotherAnswer) {
  served s{[&](http::request&, const http::responder& reply) {
    reply.answer(200, "", std::string(large_bytes, 'x'));
  }};
  raw_client client{s.port()};
  client.send(get("/"));
  expect_taken(client);
  client.send("no request\r\n\r\n");
  expect_taken(client);
  const auto all = client.rest();
  EXPECT_EQ(all.find("HTTP/1.1 ", 1), std::string::npos) << "after " << all.size() << " bytes";
}

}  // namespace
}  // namespace greenroom::tests
