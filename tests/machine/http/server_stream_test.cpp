// The HTTP server: streams, and clients that hang up.
#include "tests/machine/http/served.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace greenroom::tests {
namespace {

TEST(HttpServer, StreamsPiecesAsChunks) {
  served s{[](http::request&, const http::responder& reply) {
    reply.begin(200, "text/event-stream", "X-More: 1\r\n");
    reply.write("one");
    reply.write("");
    reply.write(std::string(20, 'x'));
    reply.end();
    reply.write("late");
    reply.end();
  }};
  raw_client client{s.port()};
  for (int i = 0; i < 2; ++i) {
    client.send(get("/"));
    const auto head = client.until("\r\n\r\n");
    EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_NE(head.find("X-More: 1\r\n"), std::string::npos);
    EXPECT_EQ(client.until("0\r\n\r\n"), "3\r\none\r\n14\r\nxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
  }
}

TEST(HttpServer, StreamsToOldClientsUntilTheConnectionEnds) {
  served s{[](http::request&, const http::responder& reply) {
    reply.begin(200, "text/plain");
    reply.write("one");
    reply.write("two");
    reply.end();
  }};
  raw_client client{s.port()};
  client.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(body_of(client.rest()), "onetwo");
  raw_client head{s.port()};
  head.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + get("/"));
  EXPECT_EQ(body_of(head.answer(true)), "");
  EXPECT_EQ(status_of(head.until("0\r\n\r\n")), 200);
}

TEST(HttpServer, StreamsFromAnotherThreadInTheOrderOfTheCalls) {
  handover<http::responder> waiting;
  served s{[&](http::request&, const http::responder& reply) {
    reply.begin(200, "text/plain");
    reply.write("start ");
    waiting.put(reply);
  }};
  raw_client client{s.port()};
  client.send("GET / HTTP/1.0\r\n\r\n");
  auto held = waiting.take(1);
  ASSERT_EQ(held.size(), 1U);
  std::string expected = "start ";
  for (int i = 0; i < 2000; ++i) {
    const auto piece = std::to_string(i) + " ";
    EXPECT_TRUE(held[0].write(piece));
    expected += piece;
  }
  held[0].end();
  EXPECT_EQ(body_of(client.rest()), expected);
}

TEST(HttpServer, BreaksTheConnectionOfAStreamThatIsAborted) {
  served s{[](http::request& asked, const http::responder& reply) {
    reply.begin(200, "text/plain");
    reply.write("half");
    if (asked.path() == "/abort") reply.abort();
    // Otherwise it is dropped, which must not look like a whole answer either.
  }};
  for (const auto* path : {"/abort", "/drop"}) {
    raw_client client{s.port()};
    client.send(get(path));
    const auto came = client.rest();
    EXPECT_EQ(came.find("0\r\n\r\n"), std::string::npos) << path;
    // What is on its way when a stream is aborted may be lost.
    if (path == std::string_view{"/drop"}) {
      EXPECT_NE(came.find("half"), std::string::npos);
    }
  }
}

TEST(HttpServer, TellsThatAClientHungUpExactlyOnce) {
  handover<http::responder> waiting;
  handover<int> gone;
  served s{[&](http::request&, const http::responder& reply) {
    reply.on_close([&] { gone.put(1); });
    waiting.put(reply);
  }};
  for (const auto how : {0, 1}) {
    raw_client client{s.port()};
    client.send(get("/"));
    auto held = waiting.take(1);
    ASSERT_EQ(held.size(), 1U);
    EXPECT_FALSE(held[0].closed());
    if (how == 0) client.close();
    if (how == 1) client.reset();
    EXPECT_EQ(gone.take(1).size(), 1U);
    EXPECT_TRUE(held[0].closed());
    EXPECT_FALSE(held[0].write("x"));
    // Who asks afterwards hears it at once.
    held[0].on_close([&] { gone.put(2); });
    EXPECT_EQ(gone.take(1), std::vector<int>{2});
    held[0].answer(200, "", "nobody reads this");
  }
  EXPECT_EQ(s.server->counters().hung_up, 2U);
}

TEST(HttpServer, AnswersAClientThatHasEndedItsSendingSide) {
  handover<http::responder> waiting;
  handover<int> gone;
  served s{[&](http::request&, const http::responder& reply) {
    reply.on_close([&] { gone.put(1); });
    waiting.put(reply);
  }};
  for (const std::string version : {"1.1", "1.0"}) {
    raw_client client{s.port()};
    client.send("POST / HTTP/" + version + "\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    client.end_sending();
    auto held = waiting.take(1);
    ASSERT_EQ(held.size(), 1U);
    EXPECT_FALSE(held[0].closed());
    held[0].answer(200, "text/plain", "late");
    const auto rest = client.rest();
    EXPECT_EQ(status_of(rest), 200) << rest;
    EXPECT_TRUE(rest.ends_with("late")) << rest;
  }
  while (s.server->counters().connections > 0) std::this_thread::yield();
  EXPECT_EQ(s.server->counters().hung_up, 0U);
}

TEST(HttpServer, NoticesThatAClientIsGoneThatHadEndedItsSendingSide) {
  handover<http::responder> waiting;
  handover<int> gone;
  served s{[&](http::request&, const http::responder& reply) {
    reply.on_close([&] { gone.put(1); });
    waiting.put(reply);
  }};
  raw_client client{s.port()};
  client.send(get("/"));
  client.end_sending();
  auto held = waiting.take(1);
  ASSERT_EQ(held.size(), 1U);
  client.close();
  EXPECT_EQ(gone.take(1).size(), 1U);
  EXPECT_TRUE(held[0].closed());
}

TEST(HttpServer, StopsWhileAClientThatHasEndedItsSendingSideWaits) {
  handover<http::responder> waiting;
  auto s = std::make_unique<served>(
      [&](http::request&, const http::responder& reply) { waiting.put(reply); });
  raw_client client{s->port()};
  client.send(get("/"));
  client.end_sending();
  auto held = waiting.take(1);
  s.reset();
  EXPECT_EQ(client.rest(), "");
  held.clear();
}

TEST(HttpServer, DoesNotTellOfAHangUpAfterTheAnswer) {
  handover<int> gone;
  served s{[&](http::request& asked, const http::responder& reply) {
    if (asked.path() == "/first") reply.on_close([&] { gone.put(1); });
    if (asked.path() == "/second") reply.on_close([&] { gone.put(2); });
    if (asked.path() != "/second") reply.answer(200, "", "done");
  }};
  raw_client client{s.port()};
  client.send(get("/first"));
  EXPECT_EQ(body_of(client.answer()), "done");
  client.send(get("/second"));
  EXPECT_EQ(status_of(client.answer()), 500);
  client.send(get("/third"));
  EXPECT_EQ(body_of(client.answer()), "done");
  client.close();
  raw_client other{s.port()};
  other.send(get("/third"));
  EXPECT_EQ(body_of(other.answer()), "done");
  while (s.server->counters().connections > 1) std::this_thread::yield();
  EXPECT_EQ(s.server->counters().hung_up, 0U);
  s.server->stop();
  gone.put(9);
  EXPECT_EQ(gone.take(1), std::vector<int>{9});
}

}  // namespace
}  // namespace greenroom::tests
